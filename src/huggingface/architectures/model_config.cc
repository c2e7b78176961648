#include "huggingface/architectures/model_config.h"

#include <utility>

#include "base/file.h"
#include "huggingface/json_text.h"

namespace ns {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxConfig = uint64_t{64} << 20;
constexpr int kMaxDepth = 64;

}  // namespace

struct ModelConfig::Root {
  json value;

  const json* Find(std::string_view field) const {
    auto found = value.find(std::string(field));
    return found == value.end() || found->is_null() ? nullptr : &*found;
  }
};

namespace {

Status WrongType(std::string_view what, std::string_view field, std::string_view wanted) {
  return InvalidArgument(fmt::format("{}: field '{}' is not {}", what, field, wanted), "BAD_CONFIG");
}

// A number that is none of int64's (2^64, 1e30) is wrong here, too.
bool IsInt(const json& value) {
  return value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{1} << 62);
}

}  // namespace

ModelConfig::ModelConfig(std::string what, std::unique_ptr<Root> root)
    : what_(std::move(what)), root_(std::move(root)) {}
ModelConfig::ModelConfig(ModelConfig&&) noexcept = default;
ModelConfig& ModelConfig::operator=(ModelConfig&&) noexcept = default;
ModelConfig::~ModelConfig() = default;

Result<ModelConfig> ModelConfig::Read(const std::filesystem::path& path) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxConfig));
  std::string what = fmt::format("'{}'", path.string());
  NS_ASSIGN_OR_RETURN(json root, ParseJsonObject(text, what, kMaxDepth, "BAD_CONFIG"));
  return ModelConfig(what, std::make_unique<Root>(Root{std::move(root)}));
}

Result<ModelConfig> ModelConfig::FromText(std::string_view text) {
  NS_ASSIGN_OR_RETURN(json root, ParseJsonObject(text, "the configuration", kMaxDepth, "BAD_CONFIG"));
  return ModelConfig("the configuration", std::make_unique<Root>(Root{std::move(root)}));
}

bool ModelConfig::Has(std::string_view field) const {
  return root_->Find(field) != nullptr;
}

Result<int64_t> ModelConfig::Int(std::string_view field, int64_t fallback) const {
  const json* value = root_->Find(field);
  if (value == nullptr) return fallback;
  if (!IsInt(*value)) return WrongType(what_, field, "a whole number");
  return value->get<int64_t>();
}

Result<double> ModelConfig::Float(std::string_view field, double fallback) const {
  const json* value = root_->Find(field);
  if (value == nullptr) return fallback;
  if (!value->is_number()) return WrongType(what_, field, "a number");
  return value->get<double>();
}

Result<bool> ModelConfig::Bool(std::string_view field, bool fallback) const {
  const json* value = root_->Find(field);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return WrongType(what_, field, "true or false");
  return value->get<bool>();
}

Result<std::string> ModelConfig::String(std::string_view field, std::string_view fallback) const {
  const json* value = root_->Find(field);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) return WrongType(what_, field, "a string");
  return value->get<std::string>();
}

Result<std::vector<int64_t>> ModelConfig::Ints(std::string_view field, std::vector<int64_t> fallback) const {
  const json* value = root_->Find(field);
  if (value == nullptr) return fallback;
  std::vector<int64_t> numbers;
  if (!value->is_array()) return WrongType(what_, field, "a list of whole numbers");
  for (const json& item : *value) {
    if (!IsInt(item)) return WrongType(what_, field, "a list of whole numbers");
    numbers.push_back(item.get<int64_t>());
  }
  return numbers;
}

Result<std::vector<std::string>> ModelConfig::Strings(std::string_view field) const {
  const json* value = root_->Find(field);
  std::vector<std::string> texts;
  if (value == nullptr) return texts;
  if (!value->is_array()) return WrongType(what_, field, "a list of strings");
  for (const json& item : *value) {
    if (!item.is_string()) return WrongType(what_, field, "a list of strings");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace ns
