// Small models for the tests of quantization.
#pragma once

#include <string>
#include <string_view>

#include "graph/model.h"

namespace ns {

// A CNN of 4x4 images: stem Conv + Relu, then a residual block (Conv + Relu, Conv, Add, Relu), GlobalAveragePool, Flatten, Gemm.
// Weights are seeded random numbers.
Model SmallCnn();

// A transformer-like block on [batch, 4, 8] float rows: two MatMul with biases and a residual Add between, the second after a
// LayerNormalization-free path, so that the residual stream has a float reader and an integer reader.
Model SmallMlp();

// One layer of a BERT as PyTorch exports it, on [batch, 4, 8] float rows: attention of two heads, residual Adds, LayerNormalization,
// a Gelu in its parts, then a pooler and a classifier as Gemm. `batch` is a number or a name.
Model SmallEncoder(std::string_view batch);

// A weight of seeded, normally distributed values with this standard deviation.
void SetRandomWeight(Model& model, std::string_view name, Shape shape, float deviation, unsigned seed);

}  // namespace ns
