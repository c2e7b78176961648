#include "tasks/json_reader.h"

#include <algorithm>
#include <cmath>

#include "base/edit_distance.h"

namespace ns {

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::optional<Json> ParseJson(std::string_view text) {
  constexpr size_t kCannotHoldThem = kMostKeys * 5;  // "a":1,
  std::vector<size_t> keys;  // of the objects that the parser is in
  bool too_many = false;
  auto count = [&](int, Json::parse_event_t event, const Json&) {
    if (event == Json::parse_event_t::object_start) keys.push_back(0);
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && ++keys.back() > kMostKeys) too_many = true;
    return !too_many;
  };
  Json json = Json::parse(text, text.size() > kCannotHoldThem ? Json::parser_callback_t(count) : nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || too_many) return std::nullopt;
  return json;
}

std::string Shown(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  std::string text = Dump(value);
  if (text.size() <= 80) return text;
  size_t end = 77;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "...";
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::vector<std::string> FieldReader::Loc(const std::string& name) const {
  std::vector<std::string> loc = loc_;
  loc.push_back(name);
  return loc;
}

const Json* FieldReader::Take(const std::string& name) {
  known_.push_back(name);
  auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void FieldReader::Error(const std::string& name, std::string msg, std::string type) {
  errors_->push_back({Loc(name), std::move(msg), std::move(type)});
}

void FieldReader::Error(const std::string& name, size_t index, std::string msg, std::string type) {
  FieldError error{Loc(name), std::move(msg), std::move(type)};
  error.loc.push_back(std::to_string(index));
  errors_->push_back(std::move(error));
}

void FieldReader::Missing(const std::string& name, std::string msg) {
  Error(name, std::move(msg), "value_error.missing");
}

void FieldReader::String(const std::string& name, std::string* out) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  if (!value->is_string()) return Error(name, "must be a string, got " + Shown(*value), "type_error.str");
  *out = value->get<std::string>();
}

void FieldReader::Bool(const std::string& name, bool* out) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Error(name, "must be true or false, got " + Shown(*value), "type_error.bool");
  *out = value->get<bool>();
}

std::optional<int64_t> FieldReader::IntegerIn(const std::string& name, int64_t low, int64_t high) {
  const Json* value = Take(name);
  if (value == nullptr) return std::nullopt;
  std::string wanted = fmt::format("must be a whole number from {} to {}, got {}", low, high, Shown(*value));
  constexpr double kExact = 9007199254740992;  // 2^53: below, JSON's 7.0 is a whole number like 7
  if (value->is_number_float()) {
    double number = value->get<double>();
    bool whole = std::abs(number) < kExact && number == std::trunc(number);
    if (whole && number >= static_cast<double>(low) && number <= static_cast<double>(high)) return static_cast<int64_t>(number);
  }
  if (!value->is_number_integer()) {
    Error(name, wanted, "type_error.integer");
    return std::nullopt;
  }
  bool too_big = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (too_big || value->get<int64_t>() < low || value->get<int64_t>() > high) {
    Error(name, wanted, "value_error.number.range");
    return std::nullopt;
  }
  return value->get<int64_t>();
}

void FieldReader::Number(const std::string& name, double low, double* out) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  std::string wanted = fmt::format("must be a number of at least {}, got {}", low, Shown(*value));
  if (!value->is_number()) return Error(name, wanted, "type_error.float");
  double number = value->get<double>();
  if (!std::isfinite(number) || number < low) return Error(name, wanted, "value_error.number.range");
  *out = number;
}

void FieldReader::Choice(const std::string& name, const std::vector<std::string>& names, std::string* out) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  if (!value->is_string() || std::find(names.begin(), names.end(), value->get<std::string>()) == names.end()) {
    return Error(name, fmt::format("must be {}, got {}", Listed(names), Shown(*value)), "value_error.const");
  }
  *out = value->get<std::string>();
}

void FieldReader::Strings(const std::string& name, std::vector<std::string>* out, const std::vector<std::string>& names) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  if (!value->is_array()) return Error(name, "must be a list of strings, got " + Shown(*value), "type_error.list");
  std::vector<std::string> read;
  for (size_t i = 0; i < value->size(); ++i) {
    const Json& item = (*value)[i];
    if (!item.is_string()) {
      Error(name, i, "must be a string, got " + Shown(item), "type_error.str");
    } else if (!names.empty() && std::find(names.begin(), names.end(), item.get<std::string>()) == names.end()) {
      Error(name, i, fmt::format("must be {}, got {}", Listed(names), Shown(item)), "value_error.const");
    } else {
      read.push_back(item.get<std::string>());
    }
  }
  *out = std::move(read);
}

void FieldReader::StringMap(const std::string& name, std::map<std::string, std::string>* out) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  if (!value->is_object()) return Error(name, "must be an object of strings, got " + Shown(*value), "type_error.dict");
  for (const auto& [key, item] : value->items()) {
    if (item.is_string()) {
      (*out)[key] = item.get<std::string>();
    } else {
      errors_->push_back({Loc(name), fmt::format("'{}' must be a string, got {}", key, Shown(item)), "type_error.str"});
      errors_->back().loc.push_back(key);
    }
  }
}

void FieldReader::BoolMap(const std::string& name, std::map<std::string, bool>* out) {
  const Json* value = Take(name);
  if (value == nullptr) return;
  if (!value->is_object()) return Error(name, "must be an object of true and false, got " + Shown(*value), "type_error.dict");
  for (const auto& [key, item] : value->items()) {
    if (item.is_boolean()) {
      (*out)[key] = item.get<bool>();
    } else {
      errors_->push_back({Loc(name), fmt::format("'{}' must be true or false, got {}", key, Shown(item)), "type_error.bool"});
      errors_->back().loc.push_back(key);
    }
  }
}

std::optional<FieldReader> FieldReader::Object(const std::string& name) {
  const Json* value = Take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) {
    Error(name, "must be an object, got " + Shown(*value), "type_error.dict");
    return std::nullopt;
  }
  return FieldReader(*value, Loc(name), errors_);
}

void FieldReader::Finish() {
  for (const auto& [name, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string nearest;
    size_t distance = name.size() <= 64 ? std::max<size_t>(2, name.size() / 3) + 1 : 0;
    for (const std::string& candidate : known_) {
      size_t d = distance == 0 ? 0 : EditDistance(name, candidate);
      if (d < distance) {
        distance = d;
        nearest = candidate;
      }
    }
    Error(name, nearest.empty() ? "unknown field; known are " + Listed(known_)
                                : fmt::format("unknown field; did you mean '{}'?", nearest),
          "value_error.extra");
  }
}

}  // namespace ns
