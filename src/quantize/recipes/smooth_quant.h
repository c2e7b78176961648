// SmoothQuant: G. Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models", 2022
// (https://arxiv.org/abs/2211.10438). A product X W of an activation with outlier channels becomes (X / s) (s W) with
//
//   s_j = max|X_j|^a / max|W_j|^(1 - a)        j: input channel; W_j over all products that read X
//
// so that one scale for X / s fits all channels. The division is folded into what makes X: the gain and bias of a LayerNormalization, the
// Mul and Add of one in its parts, or the linear layer before (through a Relu). All products that read X share its factors. Where it cannot
// be folded, since something else reads X, a Mul is inserted before the products if less noise is worth it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "quantize/config.h"
#include "quantize/recipes/rewritten.h"

namespace ns {

// The largest magnitude of each channel (last axis) of a value of the model, from calibration. FailedPrecondition (NOT_CALIBRATED).
using ChannelMagnitudes = std::function<Result<std::vector<float>>(const std::string& value)>;

// The products that `config`, which has smooth_quant, quantizes static or dynamic. `given`: factors to use instead of computing them; values
// that it doesn't have are left alone, and a Mul is inserted wherever nothing can be folded. Returns the factors used, by value; empty
// vectors never. Notes say for each product what was done. InvalidArgument (BAD_ALPHA); errors of `magnitudes`.
Result<std::map<std::string, std::vector<float>>> SmoothActivations(const QuantConfig& config, const ChannelMagnitudes& magnitudes,
                                                                    const std::map<std::string, std::vector<float>>* given,
                                                                    RewrittenModel* rewritten);

}  // namespace ns
