// A Model as ONNX Runtime is given it: structure in one buffer, big weights as places in files that ONNX Runtime maps itself.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/status.h"
#include "graph/model.h"
#include "runtime/stand_in.h"

namespace ns {

struct SessionModel {
  std::string bytes;                 // a serialized ModelProto
  std::optional<Model> spilled;      // keeps the file of weights that were only in memory; may go once the session is made
  std::map<std::filesystem::path, StandIn> stand_ins;  // by weight file; may go once the session is made
  // The folder that external locations are relative to: the root, so that files anywhere can be named without absolute paths.
  static constexpr const char* kFolder = "/";
};

// Weights of 64 KiB and more in a file stay there; those in memory are spilled into a temporary file when they are over 16 MiB together.
// Smaller ones go into the buffer. Measured with BERT-base (438 MB) and ONNX Runtime 1.21.1, peak resident: this 447 MB,
// AddInitializer 690 MB, its own loading of the file 873 MB, AddExternalInitializers 1226 MB, ...FromFilesInMemory 1303 MB.
// `self_contained`: everything into the buffer, for a model that ONNX Runtime is to write out again.
Result<SessionModel> MakeSessionModel(const Model& model, bool self_contained);

}  // namespace ns
