// External data files of a model: found only below the model's folder, mapped once each.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>

#include "base/file.h"
#include "base/status.h"
#include "onnx/onnx_pb.h"

namespace ns {

// The bytes of one external tensor, with what keeps them mapped.
struct ExternalBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> file;
  uint64_t offset = 0;
};

class ExternalData {
 public:
  // `folder`: the model's; empty for a model in memory, which may not have external data.
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // InvalidArgument: EXTERNAL_DATA_MISSING, EXTERNAL_DATA_OUTSIDE (the path leads out of the folder), EXTERNAL_DATA_SHORT (the file ends
  // before the tensor), BAD_TENSOR (offset, length or shape contradict each other).
  Result<ExternalBytes> Find(const ns_onnx::TensorProto& tensor);

 private:
  Result<std::shared_ptr<const MappedFile>> Open(const std::string& location, const std::string& tensor);

  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;  // by location
};

// The names of data files that a model saved as `file` may have: "<file>.data", "<file>.1.data", ...
std::filesystem::path DataPath(const std::filesystem::path& file, int number);
// Removes those but `keep` ("": none is kept): what earlier models of that name left.
void RemoveDataFiles(const std::filesystem::path& file, const std::filesystem::path& keep);

}  // namespace ns
