// Reading JSON objects field by field, every mistake collected instead of stopping at the first. Private to tasks/.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tasks/task_spec_codec.h"

namespace ns {

using Json = nlohmann::ordered_json;

// Text for JSON: bytes that are not UTF-8 are replaced, never an exception.
std::string Dump(const Json& json, int indent = -1);

// nullopt when `text` is not one JSON value, or one of its objects has more than kMostKeys fields (finding a field takes a time linear in
// their number, so an object of a few 100,000 would take minutes).
constexpr size_t kMostKeys = 256;
std::optional<Json> ParseJson(std::string_view text);

// One object. Reading a field marks its name as known; Finish() reports the names nobody read. A field whose value is null counts as
// absent. A wrong field leaves the target as it was and adds an error.
class FieldReader {
 public:
  FieldReader(const Json& object, std::vector<std::string> loc, std::vector<FieldError>* errors)
      : object_(object), loc_(std::move(loc)), errors_(errors) {}

  // The value, or nullptr when absent.
  const Json* Take(const std::string& name);
  void Error(const std::string& name, std::string msg, std::string type);
  void Error(const std::string& name, size_t index, std::string msg, std::string type);
  void Missing(const std::string& name, std::string msg);

  void String(const std::string& name, std::string* out);
  void Bool(const std::string& name, bool* out);
  // Whole numbers `low` to `high`.
  template <typename Int>
  void Integer(const std::string& name, int64_t low, int64_t high, Int* out) {
    if (auto value = IntegerIn(name, low, high)) *out = static_cast<Int>(*value);
  }
  // A number >= low.
  void Number(const std::string& name, double low, double* out);
  // One of `names`.
  void Choice(const std::string& name, const std::vector<std::string>& names, std::string* out);
  // A list of strings; with `names`, each is one of them.
  void Strings(const std::string& name, std::vector<std::string>* out, const std::vector<std::string>& names = {});
  void StringMap(const std::string& name, std::map<std::string, std::string>* out);
  void BoolMap(const std::string& name, std::map<std::string, bool>* out);

  // A reader of the object at `name`; none when absent or (with an error) not an object.
  std::optional<FieldReader> Object(const std::string& name);
  std::vector<std::string> Loc(const std::string& name) const;
  std::vector<FieldError>* errors() { return errors_; }
  void Finish();

 private:
  std::optional<int64_t> IntegerIn(const std::string& name, int64_t low, int64_t high);

  const Json& object_;
  std::vector<std::string> loc_;
  std::vector<FieldError>* errors_;
  std::vector<std::string> known_;
};

// What stands there, short, for messages: "\"abc\"", "3", "a list".
std::string Shown(const Json& value);
// "a, b or c"
std::string Listed(const std::vector<std::string>& names);

}  // namespace ns
