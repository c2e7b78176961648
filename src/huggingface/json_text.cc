#include "huggingface/json_text.h"

#include <set>
#include <string>
#include <vector>

#include "data/names.h"

namespace ns {

namespace {

using nlohmann::json;

// Thrown through the parser, which has no other way to be stopped.
struct Refused {
  std::string why;
};

}  // namespace

Result<json> ParseJsonObject(std::string_view text, std::string_view what, int max_depth, std::string_view reason) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth >= max_depth &&
        (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start)) {
      throw Refused{fmt::format("is nested more than {} levels deep", max_depth)};
    }
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      throw Refused{fmt::format("has the key '{}' twice", Excerpt(value.get<std::string>()))};
    }
    return true;
  };
  try {
    json root = json::parse(text, watch);
    if (root.is_object()) return root;
    return InvalidArgument(fmt::format("{} is not a JSON object", what), std::string(reason));
  } catch (const Refused& refused) {
    return InvalidArgument(fmt::format("{} {}", what, refused.why), std::string(reason));
  } catch (const json::exception& error) {
    return InvalidArgument(fmt::format("{} is not JSON: {}", what, Excerpt(error.what(), 200)), std::string(reason));
  }
}

}  // namespace ns
