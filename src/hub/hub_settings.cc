#include "hub/hub_settings.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

std::string Value(const EnvironmentLookup& environment, const char* name) {
  const char* value = environment(name);
  return value == nullptr ? "" : value;
}

bool IsTrue(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string Trimmed(std::string text) {
  auto blank = [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.back())) text.pop_back();
  while (!text.empty() && blank(text.front())) text.erase(0, 1);
  return text;
}

fs::path Expanded(const EnvironmentLookup& environment, const std::string& path) {
  bool at_home = path == "~" || path.starts_with("~/");
  return at_home ? fs::path(Value(environment, "HOME") + path.substr(1)) : fs::path(path);
}

fs::path Home(const EnvironmentLookup& environment) {
  std::string home = Value(environment, "HF_HOME"), caches = Value(environment, "XDG_CACHE_HOME");
  if (!home.empty()) return Expanded(environment, home);
  return (caches.empty() ? Expanded(environment, "~/.cache") : Expanded(environment, caches)) / "huggingface";
}

std::string Token(const EnvironmentLookup& environment) {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (std::string token = Trimmed(Value(environment, name)); !token.empty()) return token;
  }
  return Trimmed(ReadFile(HubTokenFile(environment), 64 << 10).value_or(""));
}

}  // namespace

fs::path HubTokenFile(const EnvironmentLookup& environment) {
  std::string path = Value(environment, "HF_TOKEN_PATH");
  return path.empty() ? Home(environment) / "token" : Expanded(environment, path);
}

fs::path HubCacheIfSet(const EnvironmentLookup& environment) {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (std::string path = Value(environment, name); !path.empty()) return Expanded(environment, path);
  }
  return Value(environment, "HF_HOME").empty() ? fs::path() : Home(environment) / "hub";
}

HubSettings HubSettingsFrom(const EnvironmentLookup& environment) {
  HubSettings settings;
  if (std::string endpoint = Value(environment, "HF_ENDPOINT"); !endpoint.empty()) settings.endpoint = endpoint;
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  settings.token = Token(environment);
  settings.offline = IsTrue(Value(environment, "HF_HUB_OFFLINE")) || IsTrue(Value(environment, "TRANSFORMERS_OFFLINE"));
  settings.cache = HubCacheIfSet(environment);
  if (settings.cache.empty()) settings.cache = Home(environment) / "hub";
  return settings;
}

HubSettings HubSettingsFromEnvironment() {
  return HubSettingsFrom([](const char* name) { return std::getenv(name); });
}

}  // namespace ns
