// Which other files an ONNX model's weights are in, read from the file without any library: the service never loads a model.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

// The locations that its tensors name (TensorProto.external_data of onnx.proto), each once, sorted; those that leave the model's folder are left out.
// What is no model has none. Errors of reading.
Result<std::vector<std::string>> ExternalDataOf(const std::filesystem::path& model);

}  // namespace ns
