#include "tasks/retention_policy.h"

#include <charconv>
#include <map>

#include "base/byte_size.h"

namespace ns {

namespace {

const std::map<std::string_view, int64_t> kSeconds = {{"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}, {"w", 604'800}};
std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// One limit. False when it is none, or its kind was there already.
bool Read(std::string_view limit, RetentionPolicy* policy) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), number);
  if (error != std::errc() || number < 0) return false;
  std::string_view unit = Trimmed(limit.substr(static_cast<size_t>(end - limit.data())));
  auto times = [&](int64_t factor, int64_t* out) { return !__builtin_mul_overflow(number, factor, out); };
  int64_t value = 0;
  if (auto seconds = kSeconds.find(unit); seconds != kSeconds.end()) {
    if (policy->age || !times(seconds->second, &value)) return false;
    policy->age = std::chrono::seconds(value);
    return value <= int64_t{100} * 366 * 86'400;  // a century: more would not fit microseconds
  }
  if (unit == "tasks" || unit == "task") {
    if (policy->tasks) return false;
    policy->tasks = number;
    return true;
  }
  auto bytes = BytesIn(unit);
  if (!bytes || policy->bytes || !times(static_cast<int64_t>(*bytes), &value)) return false;
  policy->bytes = static_cast<uint64_t>(value);
  return true;
}

}  // namespace

Result<RetentionPolicy> ParseRetentionPolicy(std::string_view text) {
  RetentionPolicy policy;
  if (Trimmed(text) == "all") return policy;
  for (std::string_view rest = text;;) {
    size_t comma = rest.find(',');
    if (!Read(Trimmed(rest.substr(0, comma)), &policy)) {
      return InvalidArgument(fmt::format("--retention must be limits such as \"30d\", \"10000 tasks\" or \"50GB\", each kind at most once, with "
                                         "commas between them, or \"all\"; got \"{}\"", text), "BAD_RETENTION");
    }
    if (comma == std::string_view::npos) return policy;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace ns
