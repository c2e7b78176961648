#include "huggingface/architectures/build_onnx.h"

#include <algorithm>
#include <optional>

#include "data/names.h"
#include "huggingface/architectures/architecture.h"

namespace ns {

namespace {

namespace fs = std::filesystem;

struct Choice {
  const Architecture* architecture = nullptr;
  Head head = Head::kFeatures;
};

// What `name` ("BertForMaskedLM") stands for, among the architectures of that model_type where it is told.
std::optional<Choice> Find(std::string_view name, std::string_view model_type) {
  for (const Architecture& architecture : AllArchitectures()) {
    if (!model_type.empty() && model_type != architecture.model_type) continue;
    if (!name.starts_with(architecture.class_prefix)) continue;
    std::string_view suffix = name.substr(architecture.class_prefix.size());
    for (Head head : architecture.heads) {
      if (suffix == HeadSuffix(head)) return Choice{&architecture, head};
    }
  }
  return std::nullopt;
}

Status Unsupported(const std::vector<std::string>& classes, const std::string& model_type) {
  std::string what = classes.empty() ? fmt::format("a model of type '{}'", Excerpt(model_type))
                                     : fmt::format("{} (model_type '{}')", ListNames(classes), Excerpt(model_type));
  return InvalidArgument(
      fmt::format("config.json: {} can't be turned into ONNX here; supported are {}; others: put an ONNX model "
                  "into the folder, with 'optimum-cli export onnx'",
                  what, SupportedClasses()),
      "UNSUPPORTED_ARCHITECTURE");
}

Result<Choice> Choose(const ModelConfig& config) {
  NS_ASSIGN_OR_RETURN(std::string model_type, config.String("model_type", ""));
  NS_ASSIGN_OR_RETURN(std::vector<std::string> classes, config.Strings("architectures"));
  for (const std::string& name : classes) {
    if (auto found = Find(name, model_type)) return *found;
  }
  // Without a class: the network itself.
  for (const Architecture& architecture : AllArchitectures()) {
    if (classes.empty() && architecture.model_type == model_type) return Choice{&architecture, Head::kFeatures};
  }
  return Unsupported(classes, model_type);
}

}  // namespace

Result<BuiltModel> BuildOnnx(const ModelConfig& config, const Weights& weights) {
  NS_ASSIGN_OR_RETURN(Choice choice, Choose(config));
  const Architecture& architecture = *choice.architecture;
  std::vector<std::string> notes;
  std::string class_name = fmt::format("{}{}", architecture.class_prefix, HeadSuffix(choice.head));
  bool whole = weights.HasPrefix(architecture.base);
  if (!whole && choice.head != Head::kFeatures) {
    notes.push_back(fmt::format("the weights are those of {0}Model, without the head of {1}: {0}Model is built",
                                architecture.class_prefix, class_name));
    choice.head = Head::kFeatures;
    class_name = fmt::format("{}Model", architecture.class_prefix);
  }
  Build build{NetBuilder(weights), config, choice.head, whole ? std::string(architecture.base) : ""};
  architecture.build(build);
  Result<Model> model = std::move(build.net).Finish(class_name);
  if (!model.ok()) return model.status().WithContext(fmt::format("cannot build {}", class_name));
  return BuiltModel{std::move(*model), class_name, std::move(notes)};
}

Result<BuiltModel> BuildOnnx(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder / "config.json", ignored)) {
    return NotFound(fmt::format("'{}' is no model folder: looked for 'config.json'", folder.string()), "NO_CONFIG");
  }
  NS_ASSIGN_OR_RETURN(ModelConfig config, ModelConfig::Read(folder / "config.json"));
  NS_ASSIGN_OR_RETURN(Weights weights, Weights::Open(folder));
  Result<BuiltModel> built = BuildOnnx(config, weights);
  if (!built.ok()) return built.status().WithContext(fmt::format("'{}'", folder.string()));
  built->notes.insert(built->notes.begin(),
                      fmt::format("{} ({} tensors) was built into ONNX as {}", weights.file().filename().string(),
                                  weights.size(), built->class_name));
  return built;
}

}  // namespace ns
