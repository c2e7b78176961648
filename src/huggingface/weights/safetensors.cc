#include "huggingface/weights/safetensors.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/file.h"
#include "data/names.h"
#include "huggingface/json_text.h"

namespace ns {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Bytes = std::span<const std::byte>;

constexpr uint64_t kMaxHeader = uint64_t{64} << 20;
constexpr int kDepth = 3;  // the file, a tensor, its shape

struct TypeEntry {
  std::string_view name;
  DType dtype;  // kUndefined: can't be read, but may lie in a file beside what can
  size_t size;
};
constexpr std::array<TypeEntry, 15> kTypes = {{
    {"F32", DType::kFloat, 4},
    {"F16", DType::kFloat16, 2},
    {"BF16", DType::kBfloat16, 2},
    {"F64", DType::kDouble, 8},
    {"I64", DType::kInt64, 8},
    {"I32", DType::kInt32, 4},
    {"I16", DType::kInt16, 2},
    {"I8", DType::kInt8, 1},
    {"U8", DType::kUint8, 1},
    {"U16", DType::kUint16, 2},
    {"U32", DType::kUint32, 4},
    {"U64", DType::kUint64, 8},
    {"BOOL", DType::kBool, 1},
    {"F8_E4M3", DType::kUndefined, 1},
    {"F8_E5M2", DType::kUndefined, 1},
}};

Status Bad(std::string message) {
  return InvalidArgument(std::move(message), "BAD_WEIGHTS");
}

// Where a tensor's bytes lie, behind the header.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  const std::string* name = nullptr;
};

// A list of whole numbers from 0 on, each under 2^62.
Result<Shape> Numbers(const json& entry, const char* field) {
  auto found = entry.find(field);
  if (found == entry.end() || !found->is_array()) return Bad(fmt::format("its '{}' is not a list", field));
  Shape numbers;
  for (const json& item : *found) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() > uint64_t{1} << 62) {
      return Bad(fmt::format("its '{}' holds what is no size", field));
    }
    numbers.push_back(item.get<int64_t>());
  }
  return numbers;
}

Result<const TypeEntry*> TypeOf(const json& entry) {
  auto found = entry.find("dtype");
  if (found == entry.end() || !found->is_string()) return Bad("its 'dtype' is not a string");
  const auto& name = found->get_ref<const std::string&>();
  for (const TypeEntry& type : kTypes) {
    if (type.name == name) return &type;
  }
  return Bad(fmt::format("its type '{}' is not known", Excerpt(name)));
}

Result<StoredTensor> ReadEntry(const json& entry, Bytes data, Range* range) {
  if (!entry.is_object()) return Bad("its entry is not an object");
  NS_ASSIGN_OR_RETURN(const TypeEntry* type, TypeOf(entry));
  NS_ASSIGN_OR_RETURN(Shape shape, Numbers(entry, "shape"));
  NS_ASSIGN_OR_RETURN(Shape offsets, Numbers(entry, "data_offsets"));
  if (shape.size() > kMaxRank) return Bad(fmt::format("it has {} axes, at most {} are read", shape.size(), kMaxRank));
  if (offsets.size() != 2 || offsets[0] > offsets[1]) return Bad("its 'data_offsets' are not begin and end");
  range->begin = static_cast<uint64_t>(offsets[0]);
  range->end = static_cast<uint64_t>(offsets[1]);
  if (range->end > data.size()) return Bad("its data lies outside the file: is the file cut off?");
  std::optional<int64_t> count = CheckedCount(shape);
  uint64_t size = range->end - range->begin;
  if (!count || size % type->size != 0 || static_cast<uint64_t>(*count) != size / type->size) {
    return Bad(
        fmt::format("it has {} bytes, which is not what {} of {} needs", size, ShapeToString(shape), type->name));
  }
  Shape strides = RowMajorStrides(shape);
  return StoredTensor{type->dtype, shape, strides, data.data() + range->begin, nullptr, std::string(type->name)};
}

// Every byte belongs to one tensor: the format says so, that nothing can be hidden in a file.
Status CheckLayout(std::vector<Range> ranges, uint64_t size) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t end = 0;
  for (const Range& range : ranges) {
    if (range.begin != end) {
      return Bad(fmt::format("tensor '{}' begins at byte {}, the one before it ends at {}", Excerpt(*range.name),
                             range.begin, end));
    }
    end = range.end;
  }
  if (end != size) return Bad(fmt::format("its tensors end at byte {} of {}", end, size));
  return OkStatus();
}

Result<StoredTensors> ReadTensors(const std::shared_ptr<const MappedFile>& file) {
  Bytes bytes = file->bytes();
  if (bytes.size() < 8) return Bad("it is too short to be a safetensors file");
  uint64_t header_size = 0;
  for (size_t i = 8; i-- > 0;) header_size = header_size << 8 | static_cast<uint8_t>(bytes[i]);
  if (header_size > bytes.size() - 8 || header_size > kMaxHeader) {
    return Bad(fmt::format("its header of {} bytes can't be: is it a safetensors file, and whole?", header_size));
  }
  std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, header_size);
  NS_ASSIGN_OR_RETURN(json header, ParseJsonObject(text, "its header", kDepth, "BAD_WEIGHTS"));
  Bytes data = bytes.subspan(8 + header_size);
  StoredTensors tensors;
  std::vector<Range> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    Range range;
    Result<StoredTensor> tensor = ReadEntry(entry, data, &range);
    if (!tensor.ok()) return tensor.status().WithContext(fmt::format("tensor '{}'", Excerpt(name, 100)));
    tensor->owner = file;
    auto added = tensors.emplace(name, std::move(*tensor)).first;
    range.name = &added->first;
    ranges.push_back(range);
  }
  NS_RETURN_IF_ERROR(CheckLayout(std::move(ranges), data.size()));
  return tensors;
}

}  // namespace

Result<StoredTensors> ReadSafetensors(const fs::path& path) {
  NS_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<StoredTensors> tensors = ReadTensors(file);
  if (!tensors.ok()) return tensors.status().WithContext(fmt::format("weights '{}'", path.string()));
  return tensors;
}

}  // namespace ns
