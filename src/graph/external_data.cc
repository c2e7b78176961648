#include "graph/external_data.h"

#include <charconv>
#include <filesystem>
#include <optional>

#include "graph/tensor_proto.h"

namespace ns {
namespace {

std::optional<uint64_t> ParseNumber(const std::string& text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Entry {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<Entry> ReadEntry(const ns_onnx::TensorProto& tensor) {
  Entry entry;
  for (const auto& pair : tensor.external_data()) {
    if (pair.key() == "location") entry.location = pair.value();
    if (pair.key() != "offset" && pair.key() != "length") continue;
    std::optional<uint64_t> number = ParseNumber(pair.value());
    if (!number) {
      return InvalidArgument(fmt::format("external data of tensor '{}' has the {} '{}', which is not a number of bytes", tensor.name(),
                                         pair.key(), pair.value()),
                             "BAD_TENSOR");
    }
    if (pair.key() == "offset") entry.offset = *number;
    if (pair.key() == "length") entry.length = number;
  }
  return entry;
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> ExternalData::Open(const std::string& location, const std::string& tensor) {
  if (auto known = files_.find(location); known != files_.end()) return known->second;
  if (folder_.empty()) {
    return InvalidArgument(fmt::format("tensor '{}' has its data in the file '{}', but a model in memory has no folder to look in", tensor, location),
                           "EXTERNAL_DATA_OUTSIDE");
  }
  auto path = ResolveBelow(folder_, location);
  if (!path.ok()) {
    if (path.status().code() == StatusCode::kNotFound) {
      return InvalidArgument(fmt::format("data file '{}' of tensor '{}' is missing: put it beside the model, in '{}'", location, tensor,
                                         folder_.string()),
                             "EXTERNAL_DATA_MISSING");
    }
    return InvalidArgument(fmt::format("data file '{}' of tensor '{}' is not below the model's folder '{}': move it there and save the model "
                                       "with a relative path",
                                       location, tensor, folder_.string()),
                           "EXTERNAL_DATA_OUTSIDE");
  }
  auto file = MappedFile::Open(*path);
  if (!file.ok()) return file.status().WithContext(fmt::format("data file of tensor '{}'", tensor));
  files_[location] = *file;
  return file;
}

Result<ExternalBytes> ExternalData::Find(const ns_onnx::TensorProto& tensor) {
  NS_ASSIGN_OR_RETURN(uint64_t expected, RawByteSize(tensor));
  NS_ASSIGN_OR_RETURN(Entry entry, ReadEntry(tensor));
  if (entry.length && *entry.length != expected) {
    return InvalidArgument(fmt::format("external data of tensor '{}' has {} bytes, its type and shape {} need {}", tensor.name(), *entry.length,
                                       DescribeTensor(tensor), expected),
                           "BAD_TENSOR");
  }
  NS_ASSIGN_OR_RETURN(auto file, Open(entry.location, tensor.name()));
  uint64_t size = file->bytes().size();
  if (entry.offset > size || expected > size - entry.offset) {
    return InvalidArgument(fmt::format("data file '{}' ends after {} bytes, but tensor '{}' needs bytes {} to {}: copy it again", entry.location,
                                       size, tensor.name(), entry.offset, entry.offset + expected),
                           "EXTERNAL_DATA_SHORT");
  }
  return ExternalBytes{file->bytes().subspan(entry.offset, expected), file, entry.offset};
}

std::filesystem::path DataPath(const std::filesystem::path& file, int number) {
  std::filesystem::path path = file;
  return path += number == 0 ? ".data" : fmt::format(".{}.data", number);
}

void RemoveDataFiles(const std::filesystem::path& file, const std::filesystem::path& keep) {
  constexpr int kAtLeast = 4;  // a name may be free between two that aren't
  std::error_code ignored;
  for (int number = 0; number < kAtLeast || std::filesystem::exists(DataPath(file, number), ignored); ++number) {
    if (DataPath(file, number) != keep) std::filesystem::remove(DataPath(file, number), ignored);
  }
}

}  // namespace ns
