// How large a model is that was not saved.
#pragma once

#include <cstdint>

#include "graph/model.h"

namespace ns {

// Bytes of `model` as a file, nearly: its structure and its weights.
uint64_t ModelBytes(const Model& model);

}  // namespace ns
