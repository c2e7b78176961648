// SessionSettings as JSON, for the report and for recipe.json.
#pragma once

#include <nlohmann/json.hpp>

#include "tasks/session_settings.h"

namespace ns {

template <typename Json>
Json SessionSettingsToJson(const SessionSettings& settings) {
  return {{"intra_op_threads", settings.threads},
          {"allow_spinning", settings.spinning},
          {"memory_arena", settings.memory_arena},
          {"graph_optimization", settings.optimization}};
}

// A field that is missing keeps its default. Throws nlohmann::json::exception for a field of another type, and for what no session can be given.
template <typename Json>
SessionSettings SessionSettingsFromJson(const Json& json) {
  SessionSettings settings;
  settings.threads = json.value("intra_op_threads", settings.threads);
  settings.spinning = json.value("allow_spinning", settings.spinning);
  settings.memory_arena = json.value("memory_arena", settings.memory_arena);
  settings.optimization = json.value("graph_optimization", settings.optimization);
  bool known = settings.optimization == "none" || settings.optimization == "basic" || settings.optimization == "extended" ||
               settings.optimization == "all";
  if (!known || settings.threads < 0 || settings.threads > 1024) {
    throw nlohmann::json::other_error::create(501, "no settings of a session: " + json.dump(), static_cast<const Json*>(nullptr));
  }
  return settings;
}

}  // namespace ns
