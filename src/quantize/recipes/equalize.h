// Cross-layer equalization: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019
// (https://arxiv.org/abs/1906.04721). Two layers with a positive homogeneous function of each channel between (none, Relu, LeakyRelu, a
// Clip at 0 alone: not ReLU6, pools of maxima and means) compute the same when each channel between is divided by s_i in the first and multiplied in the second. With
//
//   s_i = sqrt(r1_i r2_i) / r2_i        r1_i, r2_i: largest magnitude of the weights that make and that read channel i
//
// both have the range sqrt(r1_i r2_i), so that one scale for the activation, and one for the second layer's weights, does for all channels.
// No s_i is under 1/100 or over 100, which the paper doesn't bound.
//
// Biases are divided too, and not absorbed into the next layer as the paper does after it: that needs the parameters of BatchNormalization,
// which preparation folded away, changes the function for values below its bound, and does not hold beside a padded border.
#pragma once

#include "base/status.h"
#include "quantize/recipes/rewritten.h"

namespace ns {

// All pairs of Conv (ungrouped or depthwise), Gemm, and MatMul with a bias or without, whose value between goes nowhere else; again and again
// over chains of them until no factor is off by more than a thousandth, 50 times at most. Takes no data. Returns the number of pairs whose
// weights changed; notes name the partner.
Result<int> EqualizeLayers(RewrittenModel* rewritten);

}  // namespace ns
