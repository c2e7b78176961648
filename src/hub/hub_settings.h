// Where the Hugging Face hub is, and who we are there, as its own client is told: by the environment.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace ns {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // no '/' at its end
  std::string token;                                // "": none
  bool offline = false;                             // nothing is asked for: what the cache has is taken
  std::filesystem::path cache;                      // with models--owner--name/ in it
};

// The value of an environment variable, or null.
using EnvironmentLookup = std::function<const char*(const char* name)>;

// HF_ENDPOINT; HF_TOKEN, else the file HF_TOKEN_PATH, else $HF_HOME/token; HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE; HF_HUB_CACHE, else $HF_HOME/hub.
// HF_HOME is $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface, where it is not set. A token file that cannot be read is none.
HubSettings HubSettingsFrom(const EnvironmentLookup& environment);
HubSettings HubSettingsFromEnvironment();

// Only the token's file and the cache's folder, where the environment names them; "": it does not. For a service, whose home is nobody's.
std::filesystem::path HubTokenFile(const EnvironmentLookup& environment);
std::filesystem::path HubCacheIfSet(const EnvironmentLookup& environment);

}  // namespace ns
