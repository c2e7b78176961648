// Reading JSON that our own programs wrote: a field of another type than expected counts as absent. Private to tasks/.
#pragma once

#include <cmath>
#include <limits>

#include "tasks/json_reader.h"
#include "tasks/task_event.h"

namespace ns {

// True and `*out` set when `name` is there with a fitting type.
inline bool Get(const Json& json, const char* name, std::string* out) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return false;
  *out = found->get<std::string>();
  return true;
}
inline bool Get(const Json& json, const char* name, bool* out) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_boolean()) return false;
  *out = found->get<bool>();
  return true;
}
// null is read as not-a-number: that is how such a number is written.
inline bool Get(const Json& json, const char* name, double* out) {
  auto found = json.find(name);
  if (found == json.end() || !(found->is_number() || found->is_null())) return false;
  *out = found->is_null() ? std::numeric_limits<double>::quiet_NaN() : found->get<double>();
  return true;
}
template <typename Int>
  requires std::is_integral_v<Int>
bool Get(const Json& json, const char* name, Int* out) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer()) return false;
  *out = found->get<Int>();
  return true;
}
template <typename T>
void GetOptional(const Json& json, const char* name, std::optional<T>* out) {
  T value{};
  if (Get(json, name, &value)) *out = value;
}

// EventPayloadToJson() before it is text.
Json EventPayloadJson(const EventPayload& payload);

template <typename T>
void SetOptional(Json& json, const char* name, const std::optional<T>& value) {
  if (value) json[name] = *value;
}
inline void SetUnlessEmpty(Json& json, const char* name, const std::string& value) {
  if (!value.empty()) json[name] = value;
}

}  // namespace ns
