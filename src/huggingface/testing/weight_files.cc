#include "huggingface/testing/weight_files.h"

#include "data/testing/files.h"

namespace ns::testing {

namespace {

std::string Little(uint64_t value, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
  return out;
}

std::string Joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += item;
  return out;
}

std::string EmptyDict() {
  return PickledGlobal("collections", "OrderedDict") + ")R";
}

}  // namespace

std::string Safetensors(std::string_view header, std::string_view data) {
  return Little(header.size(), 8) + std::string(header) + std::string(data);
}

std::string PickledText(std::string_view text) {
  return "X" + Little(text.size(), 4) + std::string(text);
}
std::string PickledInt(int64_t value) {
  return "\x8a\x08" + Little(static_cast<uint64_t>(value), 8);
}
std::string PickledTuple(const std::vector<std::string>& items) {
  return "(" + Joined(items) + "t";
}
std::string PickledInts(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (int64_t value : values) items.push_back(PickledInt(value));
  return PickledTuple(items);
}
std::string PickledGlobal(std::string_view module, std::string_view name) {
  return fmt::format("c{}\n{}\n", module, name);
}
std::string PickledStorage(std::string_view type, std::string_view key, int64_t count) {
  return PickledTuple({PickledText("storage"), PickledGlobal("torch", type), PickledText(key), PickledText("cpu"),
                       PickledInt(count)}) +
         "Q";
}
std::string PickledTensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                          const std::vector<int64_t>& strides) {
  return PickledGlobal("torch._utils", "_rebuild_tensor_v2") +
         PickledTuple({storage, PickledInt(offset), PickledInts(shape), PickledInts(strides), "\x89", EmptyDict()}) +
         "R";
}
std::string PickledStateDict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = EmptyDict() + "(";
  for (const auto& [name, value] : items) out += PickledText(name) + value;
  return out + "u" + "}" + PickledText("_metadata") + EmptyDict() + "sb";
}
std::string PickleOf(const std::string& value) {
  return "\x80\x02" + value + ".";
}

std::string TorchArchive(const std::string& pickle, const std::map<std::string, std::string>& storages) {
  std::vector<ZipFile> files = {{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
  for (const auto& [key, bytes] : storages) files.push_back({"archive/data/" + key, bytes});
  files.push_back({"archive/version", "3\n"});
  return Zip(files);
}

std::string OldTorchFile(const std::string& pickle, const std::map<std::string, std::string>& storages,
                         size_t element_size) {
  std::string out("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
  out += PickleOf(PickledInt(1001));
  out += PickleOf("}(" + PickledText("little_endian") + "\x88" + "u");
  out += pickle;
  std::string keys;
  std::string data;
  for (const auto& [key, bytes] : storages) {
    keys += PickledText(key);
    data += Little(bytes.size() / element_size, 8) + bytes;
  }
  return out + PickleOf("](" + keys + "e") + data;
}

StoredTensor Counting(Shape shape, float step) {
  auto tensor = std::make_shared<Tensor>(DType::kFloat, shape);
  auto values = tensor->mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = step * static_cast<float>(i);
  Shape strides = RowMajorStrides(shape);
  return StoredTensor{
      DType::kFloat, std::move(shape), std::move(strides), static_cast<const std::byte*>(tensor->data()), tensor,
      "F32"};
}

}  // namespace ns::testing
