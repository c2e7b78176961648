#include "tasks/script_fields.h"

#include <algorithm>

#include "tasks/requirement.h"
#include "tasks/shell_words.h"

namespace ns {

namespace {

bool HasControlCharacter(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void ReadOptimized(FieldReader& in, TaskSpec* out) {
  const Json* value = in.Take("optimized");
  if (value == nullptr) return;
  if (*value == "True" || *value == "False") {
    out->optimized = *value == "True";
  } else if (value->is_boolean()) {
    out->optimized = value->get<bool>();
  } else {
    in.Error("optimized", "must be true, false, \"True\" or \"False\", got " + Shown(*value), "type_error.bool");
  }
}

// Arguments stay as they were given; that each can be split into words is all that is checked.
void ReadArguments(FieldReader& in, TaskSpec* out) {
  const Json* value = in.Take("arguments");
  if (value == nullptr) return;
  if (!value->is_array()) return in.Error("arguments", "must be a list of strings or numbers, got " + Shown(*value), "type_error.list");
  for (size_t i = 0; i < value->size(); ++i) {
    const Json& item = (*value)[i];
    if (item.is_number()) {
      out->arguments.push_back(Dump(item));
    } else if (!item.is_string()) {
      in.Error("arguments", i, "must be a string or a number, got " + Shown(item), "type_error.str");
    } else if (auto text = item.get<std::string>(); text.find('\0') != std::string::npos) {
      in.Error("arguments", i, "must not contain a zero byte", "value_error");
    } else if (auto words = SplitWords(text); !words.ok()) {
      in.Error("arguments", i, words.status().message(), "value_error");
    } else {
      out->arguments.push_back(std::move(text));
    }
  }
}

void ReadRequirements(FieldReader& in, TaskSpec* out) {
  in.Strings("requirements", &out->requirements);
  for (size_t i = 0; i < out->requirements.size(); ++i) {
    Status status = CheckRequirement(out->requirements[i]);
    if (!status.ok()) in.Error("requirements", i, fmt::format("{}, got {}", status.message(), Shown(Json(out->requirements[i]))), "value_error");
  }
}

void CheckScriptAddress(FieldReader& in, const std::string& url) {
  std::string_view path = std::string_view(url).substr(0, url.find_first_of("?#"));
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return in.Error("script_url", fmt::format("must be an http(s) address or the name of a folder below the service's --upload_path, got \"{}\"", url),
                    "value_error.url.scheme");
  }
  if (!path.ends_with(".py")) {
    in.Error("script_url", fmt::format("must be the address of one Python script (\".../x.py\"), got \"{}\"", url), "value_error.url");
  }
}

}  // namespace

void ReadScriptFields(FieldReader& in, TaskSpec* out) {
  ReadOptimized(in, out);
  ReadArguments(in, out);
  ReadRequirements(in, out);
}

void CheckScript(FieldReader& in, const TaskSpec& spec) {
  const std::string& script = spec.script_url;
  if (script.empty()) {
    return in.Error("script_url", "must not be empty: give an address, or a folder below the service's --upload_path", "value_error");
  }
  if (HasControlCharacter(script)) return in.Error("script_url", "must not contain control characters", "value_error");
  if (script.find("://") != std::string::npos) CheckScriptAddress(in, script);
  if (!spec.optimized) {
    in.Error("optimized", "plain scripts are not available in this version: give \"optimized\": true for a script that calls an optimizer itself, or "
                          "export the model to ONNX and submit it as 'model' with its 'dataset'", kNotAvailable);
  }
}

}  // namespace ns
