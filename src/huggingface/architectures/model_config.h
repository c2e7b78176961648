// config.json, as the builders of architectures read it: typed fields with the defaults of transformers' config
// classes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// A field that is null counts as not there. Every error is InvalidArgument (BAD_CONFIG) and names file and field.
class ModelConfig {
 public:
  static Result<ModelConfig> Read(const std::filesystem::path& path);
  static Result<ModelConfig> FromText(std::string_view text);
  ModelConfig(ModelConfig&&) noexcept;
  ModelConfig& operator=(ModelConfig&&) noexcept;
  ~ModelConfig();

  bool Has(std::string_view field) const;
  Result<int64_t> Int(std::string_view field, int64_t fallback) const;
  Result<double> Float(std::string_view field, double fallback) const;
  Result<bool> Bool(std::string_view field, bool fallback) const;
  Result<std::string> String(std::string_view field, std::string_view fallback) const;
  Result<std::vector<int64_t>> Ints(std::string_view field, std::vector<int64_t> fallback) const;
  Result<std::vector<std::string>> Strings(std::string_view field) const;  // none: empty

 private:
  struct Root;  // the JSON
  ModelConfig(std::string what, std::unique_ptr<Root> root);
  std::string what_;  // "'dir/config.json'"
  std::unique_ptr<Root> root_;
};

}  // namespace ns
