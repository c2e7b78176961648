// Models that plain quantization fails on, made of the trained models in examples/ without training: the same function in float, other
// numbers inside. For tests and benchmarks.
#pragma once

#include "base/status.h"
#include "graph/model.h"

namespace ns {

// A BERT (LayerNormalization in one node) with activation outliers: one channel in 24 of each LayerNormalization whose value goes to
// products is `factor` (a power of two) times as large, gain and bias; the rows of the products' weights are divided by it, and so is the
// residual path, by a Mul. Equal to the last bit in float. The cure is SmoothQuant.
Result<Model> WithActivationOutliers(Model bert, float factor = 1024);

// A network of convolutions and ReLU6, whose ReLU6 become Relu (which changes no answer of the example), with BatchNormalization folded; then each
// channel between two convolutions with nothing but Relu between is multiplied by one of 2^-6 ... 2^6 in the first and divided in the
// second. Equal to the last bit in float from there on. The cure is cross-layer equalization.
Result<Model> WithRescaledChannels(Model convolutions);

// The first convolution reads one more plane, of 1024 everywhere, with weights of zero: equal to the last bit in float. Eight bits over the range of
// both leave nothing of the image, and no recipe reaches an input. The cure is the first operator in float.
Result<Model> WithUnusedPlane(Model convolutions);

// Nothing but float does: each convolution and Gemm reads x + K m, m the mean of the row's input image and K = 4096, and what K m adds to its result
// is subtracted behind it in float. Eight bits over the range of x + K m leave nothing of x, and the rounding of a weight counts K m times.
// Its image input is the model's first.
Result<Model> WithCancellingOffsets(Model convolutions);

}  // namespace ns
