// Which of a repository's files a model needs: weights often lie there in several formats, of which one is enough.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

// Of `files` (paths in the repository): config.json, the tokenizer's and the preprocessor's files, and the first that is there of an ONNX model
// (model.onnx, onnx/model.onnx, with their external data), safetensors and PyTorch's weights, each in one file or in pieces with their index.
// Sorted. NotFound (NO_MODEL_FILES): no config.json, no weights, or some of their pieces only.
Result<std::vector<std::string>> NeededFiles(const std::vector<std::string>& files);

}  // namespace ns
