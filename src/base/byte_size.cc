#include "base/byte_size.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace ns {

namespace {

constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
    {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000},       {"MB", 1'000'000},           {"kB", 1'000},
    {"B", 1},                  {"TiB", uint64_t{1} << 40}, {"GiB", uint64_t{1} << 30}, {"MiB", uint64_t{1} << 20},
    {"KiB", uint64_t{1} << 10}};

}  // namespace

std::optional<uint64_t> BytesIn(std::string_view unit) {
  for (const auto& [name, bytes] : kUnits) {
    if (name == unit) return bytes;
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseByteSize(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  auto factor = unit.empty() ? uint64_t{1} : BytesIn(unit);
  if (!factor) return std::nullopt;
  double bytes = number * static_cast<double>(*factor);
  return bytes < 0x1p63 ? std::optional(static_cast<uint64_t>(bytes)) : std::nullopt;
}

std::string FormatByteSize(uint64_t bytes) {
  for (const auto& [name, size] : kUnits) {
    if (size > 1 && bytes >= size && bytes % size == 0) return fmt::format("{}{}", bytes / size, name);
    if (size == 1) break;
  }
  return std::to_string(bytes);
}

}  // namespace ns
