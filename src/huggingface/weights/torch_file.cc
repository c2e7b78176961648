#include "huggingface/weights/torch_file.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/file.h"
#include "data/names.h"
#include "data/zip.h"
#include "huggingface/weights/pickle.h"

namespace ns {

namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

constexpr size_t kMaxPickle = size_t{64} << 20;
constexpr int64_t kMaxExpanded = int64_t{1} << 20;
// PROTO 2, LONG1 of 10 bytes: 0x1950a86a20f9469cfc6c, STOP. How files before PyTorch 1.6 begin.
constexpr std::string_view kOldMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
constexpr std::string_view kLargeFilePointer = "version https://git-lfs";

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array<StorageType, 10> kStorages = {{
    {"torch FloatStorage", DType::kFloat},
    {"torch HalfStorage", DType::kFloat16},
    {"torch BFloat16Storage", DType::kBfloat16},
    {"torch DoubleStorage", DType::kDouble},
    {"torch LongStorage", DType::kInt64},
    {"torch IntStorage", DType::kInt32},
    {"torch ShortStorage", DType::kInt16},
    {"torch CharStorage", DType::kInt8},
    {"torch ByteStorage", DType::kUint8},
    {"torch BoolStorage", DType::kBool},
}};

Status Bad(std::string message) {
  return InvalidArgument(std::move(message), "BAD_WEIGHTS");
}

Result<DType> StorageDType(const PickleValue& type) {
  for (const StorageType& entry : kStorages) {
    if (type.kind == Kind::kGlobal && type.text == entry.name) return entry.dtype;
  }
  return Bad("its storage is of no known type");
}

// ('storage', torch.FloatStorage, key, location, count), and, before PyTorch 1.6, a sixth value: a view of another
// storage.
Status ReadStorage(const PickleValue& value, PickledTensor* tensor) {
  bool tuple = value.kind == Kind::kPersistent && value.items[0]->kind == Kind::kTuple;
  if (!tuple) return Bad("it has no storage");
  const auto& parts = value.items[0]->items;
  if (parts.size() < 5 || parts[0]->text != "storage") return Bad("its storage is not described as one");
  if (parts[2]->kind != Kind::kString || parts[4]->kind != Kind::kInt) return Bad("its storage has no key or no size");
  if (parts.size() > 5 && parts[5]->kind != Kind::kNone) return Bad("its storage is a view of another one");
  NS_ASSIGN_OR_RETURN(tensor->dtype, StorageDType(*parts[1]));
  tensor->storage = parts[2]->text;
  tensor->storage_count = parts[4]->integer;
  return OkStatus();
}

Result<Shape> Numbers(const PickleValue& value) {
  if (value.kind != Kind::kTuple || value.items.size() > kMaxRank) {
    return Bad(fmt::format("its shape is not a tuple of at most {} sizes", kMaxRank));
  }
  Shape numbers;
  for (const PickleValue* item : value.items) {
    if (item->kind != Kind::kInt || item->integer < 0) return Bad("a size or stride is not a whole number from 0 on");
    numbers.push_back(item->integer);
  }
  return numbers;
}

// Whether all elements lie in the storage. Sizes and strides under 2^63 each: their products need care.
Status CheckReach(const PickledTensor& tensor) {
  std::optional<int64_t> count = CheckedCount(tensor.shape);
  int64_t room = tensor.storage_count;
  if (!count || room < 0 || tensor.offset < 0 || tensor.offset > room) return Bad("it lies outside its storage");
  if (*count == 0) return OkStatus();
  if (*count > std::max(room, kMaxExpanded)) return Bad("it is larger than its storage");
  int64_t left = room - tensor.offset - 1;  // how far the last element may lie behind the first
  for (size_t axis = 0; axis < tensor.shape.size() && left >= 0; ++axis) {
    int64_t steps = tensor.shape[axis] - 1;
    int64_t stride = tensor.strides[axis];
    left = steps == 0 || stride <= left / steps ? left - steps * stride : -1;
  }
  return left < 0 ? Bad("it reaches beyond its storage") : OkStatus();
}

// (storage, offset, sizes, strides, ...)
Status ReadPickled(const PickleValue& value, PickledTensor* tensor) {
  NS_RETURN_IF_ERROR(ReadStorage(*value.items[0], tensor));
  if (value.items[1]->kind != Kind::kInt) return Bad("its offset is not a number");
  tensor->offset = value.items[1]->integer;
  NS_ASSIGN_OR_RETURN(tensor->shape, Numbers(*value.items[2]));
  NS_ASSIGN_OR_RETURN(tensor->strides, Numbers(*value.items[3]));
  if (tensor->shape.size() != tensor->strides.size()) return Bad("it has not as many strides as sizes");
  return CheckReach(*tensor);
}

Result<std::vector<PickledTensor>> TensorsOf(const PickleValue& root) {
  if (root.kind != Kind::kDict) return Bad("it holds no dict of tensors: save the model's state_dict()");
  std::vector<PickledTensor> tensors;
  for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
    const PickleValue& name = *root.items[i];
    const PickleValue& value = *root.items[i + 1];
    if (name.kind != Kind::kString || value.kind != Kind::kTensor) continue;
    PickledTensor tensor;
    tensor.name = name.text;
    Status status = ReadPickled(value, &tensor);
    if (!status.ok()) return status.WithContext(fmt::format("tensor '{}'", Excerpt(name.text, 100)));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

using Storages = std::unordered_map<std::string, Bytes>;

Result<StoredTensors> Place(const std::vector<PickledTensor>& pickled, const Storages& storages,
                            const std::shared_ptr<const MappedFile>& file) {
  StoredTensors tensors;
  for (const PickledTensor& tensor : pickled) {
    auto found = storages.find(tensor.storage);
    if (found == storages.end()) {
      return Bad(fmt::format("tensor '{}': storage '{}' is not in the file", Excerpt(tensor.name, 100),
                             Excerpt(tensor.storage)));
    }
    uint64_t size = DTypeSize(tensor.dtype);
    if (static_cast<uint64_t>(tensor.storage_count) > found->second.size() / size) {
      return Bad(fmt::format("tensor '{}': storage '{}' has {} bytes, {} elements of {} were told",
                             Excerpt(tensor.name, 100), Excerpt(tensor.storage), found->second.size(),
                             tensor.storage_count, DTypeName(tensor.dtype)));
    }
    const std::byte* data = found->second.data() + static_cast<uint64_t>(tensor.offset) * size;
    tensors[tensor.name] =
        StoredTensor{tensor.dtype, tensor.shape, tensor.strides, data, file, std::string(DTypeName(tensor.dtype))};
  }
  return tensors;
}

// Entries "<folder>/data.pkl", "<folder>/data/<key>", "<folder>/byteorder": stored, as torch.save writes them.
Result<StoredTensors> ReadArchive(const std::shared_ptr<const MappedFile>& file) {
  NS_ASSIGN_OR_RETURN(std::vector<ZipEntry> entries, ReadZipDirectory(file->bytes()));
  Storages storages;
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& entry : entries) {
    if (entry.deflated)
      return Bad(fmt::format("'{}' in it is compressed, which torch.save never does", Excerpt(entry.name)));
    NS_RETURN_IF_ERROR(ExtractZipEntry(entry, nullptr));  // its checksum
    std::string_view name = entry.name;
    name.remove_prefix(std::min(name.find('/') + 1, name.size()));
    if (name == "data.pkl") pickle = &entry;
    if (name.starts_with("data/")) storages[std::string(name.substr(5))] = entry.data;
    bool little = entry.data.empty() || entry.data[0] == std::byte{'l'};
    if (name == "byteorder" && !little) return Bad("its bytes are in the order of a big-endian machine");
  }
  if (pickle == nullptr) return Bad("it is a zip archive without 'data.pkl': no file of torch.save");
  NS_ASSIGN_OR_RETURN(std::vector<PickledTensor> pickled, ReadTensorPickle(pickle->data));
  return Place(pickled, storages, file);
}

// Four pickles (magic number, version, about the machine, the dict), one with the list of keys, then each storage: its
// number of elements in 8 bytes, its elements.
Result<StoredTensors> ReadPickles(const std::shared_ptr<const MappedFile>& file) {
  Bytes rest = file->bytes().subspan(kOldMagic.size());
  for (int i = 0; i < 2; ++i) {
    NS_ASSIGN_OR_RETURN(Pickle passed, Pickle::Read(rest));
    rest = rest.subspan(passed.size());
  }
  NS_ASSIGN_OR_RETURN(Pickle dict, Pickle::Read(rest));
  NS_ASSIGN_OR_RETURN(std::vector<PickledTensor> pickled, TensorsOf(dict.root()));
  rest = rest.subspan(dict.size());
  NS_ASSIGN_OR_RETURN(Pickle keys, Pickle::Read(rest));
  rest = rest.subspan(keys.size());
  if (keys.root().kind != Kind::kList) return Bad("it has no list of storages");

  std::unordered_map<std::string, size_t> element_sizes;
  for (const PickledTensor& tensor : pickled) element_sizes[tensor.storage] = DTypeSize(tensor.dtype);
  Storages storages;
  for (const PickleValue* key : keys.root().items) {
    auto known = element_sizes.find(std::string(key->text));
    if (known == element_sizes.end()) return Bad(fmt::format("storage '{}' belongs to no tensor", Excerpt(key->text)));
    if (rest.size() < 8) return Bad("it is cut off");
    uint64_t count = 0;
    for (size_t i = 8; i-- > 0;) count = count << 8 | static_cast<uint8_t>(rest[i]);
    rest = rest.subspan(8);
    if (count > rest.size() / known->second) return Bad("it is cut off");
    storages[known->first] = rest.first(count * known->second);
    rest = rest.subspan(count * known->second);
  }
  return Place(pickled, storages, file);
}

Result<StoredTensors> ReadTensors(const std::shared_ptr<const MappedFile>& file) {
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  if (text.starts_with(kLargeFilePointer))
    return Bad("it is a pointer of Git LFS, not the weights: run 'git lfs pull'");
  return text.starts_with(kOldMagic) ? ReadPickles(file) : ReadArchive(file);
}

}  // namespace

Result<std::vector<PickledTensor>> ReadTensorPickle(Bytes bytes) {
  if (bytes.size() > kMaxPickle) return Bad(fmt::format("its pickle has over {} bytes", kMaxPickle));
  NS_ASSIGN_OR_RETURN(Pickle pickle, Pickle::Read(bytes));
  return TensorsOf(pickle.root());
}

Result<StoredTensors> ReadTorchFile(const fs::path& path) {
  NS_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<StoredTensors> tensors = ReadTensors(file);
  if (!tensors.ok()) return tensors.status().WithContext(fmt::format("weights '{}'", path.string()));
  return tensors;
}

}  // namespace ns
