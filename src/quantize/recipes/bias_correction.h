// Bias correction: rounding a weight shifts the mean of what it computes, and the bias takes the shift back (M. Nagel et al. 2019,
// https://arxiv.org/abs/1906.04721, section 4.2; A. Finkelstein et al. 2019, https://arxiv.org/abs/1906.03193):
//
//   b'_o = b_o - sum_i (W'_oi - W_oi) E[x_i]        W': the rounded weight; E[x_i]: the mean of input channel i in calibration
//
// For a convolution the sum goes over the kernel too, as if there were no border. The fast form: one calibration serves all operators and
// configurations; what clipping and rounding of the activation shift is not in it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "graph/graph_index.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/observers/channel_observer.h"
#include "quantize/plan.h"

namespace ns {

// The mean of each channel of a value of the model. FailedPrecondition (NOT_CALIBRATED).
using ChannelMeans = std::function<Result<std::vector<double>>(const std::string& value, ChannelAxis axis)>;

// The scale of an activation. FailedPrecondition (NOT_CALIBRATED).
using InputScale = std::function<Result<float>(const RangeId& range)>;

// What to add to the biases of the operators of `plan` that have a rounded weight and can have a bias (Conv, Gemm; MatMul with an Add of a
// constant vector behind it), by operator. A static operator's own bias bounds its weight's scales from below, as when it is written; an Add's
// does not here. Weights in 4 bits get none. Errors of `means`, `scale` and of weights.
Result<std::map<std::string, std::vector<float>>> BiasCorrections(const Model& model, const GraphIndex& index, const Plan& plan,
                                                                  const QuantConfig& config, const ChannelMeans& means,
                                                                  const InputScale& scale);

// Adds them; operators that the model doesn't have are passed over. InvalidArgument (BAD_FACTS) where the number of channels differs.
Status ApplyBiasCorrections(const std::map<std::string, std::vector<float>>& corrections, Model* model);

}  // namespace ns
