#include "huggingface/weights/weights.h"

#include <array>
#include <set>

#include "base/file.h"
#include "data/names.h"
#include "huggingface/json_text.h"
#include "huggingface/weights/safetensors.h"
#include "huggingface/weights/torch_file.h"

namespace ns {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t kMaxIndex = uint64_t{64} << 20;
constexpr std::array<const char*, 4> kFiles = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                               "pytorch_model.bin.index.json"};

Status Bad(std::string message) {
  return InvalidArgument(std::move(message), "BAD_WEIGHTS");
}

Result<StoredTensors> ReadFileOfTensors(const fs::path& path) {
  return path.extension() == ".safetensors" ? ReadSafetensors(path) : ReadTorchFile(path);
}

// {"weight_map": {"name": "model-00001-of-00002.safetensors", ...}}: files beside the index, or links there.
Result<StoredTensors> ReadParts(const fs::path& index) {
  std::string what = fmt::format("weights '{}'", index.string());
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(index, kMaxIndex));
  NS_ASSIGN_OR_RETURN(json root, ParseJsonObject(text, what, 8, "BAD_WEIGHTS"));
  auto map = root.find("weight_map");
  if (map == root.end() || !map->is_object()) return Bad(fmt::format("{} has no 'weight_map'", what));
  std::map<std::string, StoredTensors> parts;
  StoredTensors all;
  for (const auto& [name, value] : map->items()) {
    std::string file = value.is_string() ? value.get<std::string>() : "";
    if (file.empty() || file == "." || file == ".." ||
        file.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
      return Bad(fmt::format("{}: tensor '{}' lies in no file beside it", what, Excerpt(name, 100)));
    }
    auto part = parts.find(file);
    if (part == parts.end()) {
      NS_ASSIGN_OR_RETURN(StoredTensors tensors, ReadFileOfTensors(index.parent_path() / file));
      part = parts.emplace(file, std::move(tensors)).first;
    }
    auto tensor = part->second.find(name);
    if (tensor == part->second.end()) {
      return Bad(fmt::format("{}: tensor '{}' is not in '{}'", what, Excerpt(name, 100), Excerpt(file)));
    }
    all.emplace(name, tensor->second);
  }
  return all;
}

}  // namespace

fs::path Weights::Find(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : kFiles) {
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  return {};
}

std::string Weights::FileNames() {
  std::string names;
  for (const char* name : kFiles) names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
  return names;
}

Result<Weights> Weights::Open(const fs::path& folder) {
  fs::path file = Find(folder);
  if (file.empty()) {
    return NotFound(fmt::format("'{}' holds no weights: looked for {}", folder.string(), FileNames()), "NO_WEIGHTS");
  }
  NS_ASSIGN_OR_RETURN(StoredTensors tensors, file.extension() == ".json" ? ReadParts(file) : ReadFileOfTensors(file));
  Weights weights(std::move(tensors));
  weights.file_ = file;
  return weights;
}

const StoredTensor* Weights::Get(std::string_view name) const {
  auto found = tensors_.find(std::string(name));
  if (found != tensors_.end()) return &found->second;
  auto renamed = [&](std::string_view now, std::string_view before) -> const StoredTensor* {
    if (!name.ends_with(now)) return nullptr;
    auto old = tensors_.find(std::string(name.substr(0, name.size() - now.size())).append(before));
    return old == tensors_.end() ? nullptr : &old->second;
  };
  const StoredTensor* gamma = renamed(".weight", ".gamma");
  return gamma != nullptr ? gamma : renamed(".bias", ".beta");
}

bool Weights::HasPrefix(std::string_view prefix) const {
  auto first = tensors_.lower_bound(std::string(prefix));
  return first != tensors_.end() && first->first.starts_with(prefix);
}

Result<Tensor> Weights::Read(std::string_view name) const {
  const StoredTensor* stored = Get(name);
  if (stored == nullptr) return NotFound(fmt::format("the weights have no tensor '{}'", name), "MISSING_WEIGHT");
  Result<Tensor> tensor = ReadTensor(*stored);
  if (!tensor.ok()) return tensor.status().WithContext(fmt::format("tensor '{}'", name));
  return tensor;
}

}  // namespace ns
