#include "hub/hub_files.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

namespace ns {

namespace {

constexpr const char* kSettings[] = {
    "config.json",       "tokenizer.json",      "tokenizer_config.json",   "special_tokens_map.json",  "added_tokens.json",      "vocab.json",   "vocab.txt",
    "merges.txt",        "spiece.model",        "sentencepiece.bpe.model", "preprocessor_config.json", "generation_config.json",
};
constexpr const char* kOnnx[] = {"model.onnx", "onnx/model.onnx"};

struct Weights {
  const char* whole;
  const char* index;
  const char* piece;  // before "-00001-of-00003"
  const char* end;
};
constexpr Weights kWeights[] = {{"model.safetensors", "model.safetensors.index.json", "model-", ".safetensors"},
                                {"pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-", ".bin"}};

std::vector<std::string> OnnxFiles(const std::set<std::string>& files, const std::string& onnx) {
  std::vector<std::string> found = {onnx};
  for (const std::string& file : files) {
    bool is_data = file.starts_with(onnx + "_data") || file.starts_with(onnx + ".data");
    if (is_data && file.find('/', onnx.size()) == std::string::npos) found.push_back(file);
  }
  return found;
}

// Of "-00001-of-00003" between the two: 3. 0: another form.
size_t PiecesOf(std::string_view file, const Weights& weights) {
  std::string_view start = weights.piece, end = weights.end;
  if (!file.starts_with(start) || !file.ends_with(end) || file.size() <= start.size() + end.size()) return 0;
  std::string_view numbers = file.substr(start.size(), file.size() - start.size() - end.size());
  size_t of = numbers.find("-of-"), total = 0;
  if (of == std::string_view::npos) return 0;
  std::string_view first = numbers.substr(0, of), last = numbers.substr(of + 4);
  auto digits = [](std::string_view text) { return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }); };
  auto [at, error] = std::from_chars(last.data(), last.data() + last.size(), total);
  return digits(first) && digits(last) && error == std::errc() ? total : 0;
}

Result<std::vector<std::string>> WeightFiles(const std::set<std::string>& files, const Weights& weights) {
  if (files.contains(weights.whole)) return std::vector<std::string>{weights.whole};
  if (!files.contains(weights.index)) return std::vector<std::string>();
  std::vector<std::string> found = {weights.index};
  size_t total = 0;
  for (const std::string& file : files) {
    size_t of = PiecesOf(file, weights);
    if (of == 0) continue;
    total = of;
    found.push_back(file);
  }
  if (found.size() == total + 1 && total > 0) return found;
  return NotFound(fmt::format("'{}' is there, but of its pieces {} of {}", weights.index, found.size() - 1, total), "NO_MODEL_FILES");
}

Result<std::vector<std::string>> ModelFiles(const std::set<std::string>& files) {
  for (const char* onnx : kOnnx) {
    if (files.contains(onnx)) return OnnxFiles(files, onnx);
  }
  for (const Weights& weights : kWeights) {
    NS_ASSIGN_OR_RETURN(std::vector<std::string> found, WeightFiles(files, weights));
    if (!found.empty()) return found;
  }
  return NotFound("it holds no weights: looked for model.onnx, onnx/model.onnx, model.safetensors and pytorch_model.bin", "NO_MODEL_FILES");
}

}  // namespace

Result<std::vector<std::string>> NeededFiles(const std::vector<std::string>& files) {
  std::set<std::string> all(files.begin(), files.end());
  if (!all.contains("config.json")) return NotFound("it holds no config.json, so it is no model of the transformers library", "NO_MODEL_FILES");
  NS_ASSIGN_OR_RETURN(std::vector<std::string> needed, ModelFiles(all));
  for (const char* name : kSettings) {
    if (all.contains(name)) needed.emplace_back(name);
  }
  std::sort(needed.begin(), needed.end());
  return needed;
}

}  // namespace ns
