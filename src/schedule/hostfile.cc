#include "schedule/hostfile.h"

#include <charconv>
#include <set>

namespace ns {

namespace {

constexpr int kMaxCores = 4096;  // of one socket

std::vector<std::string_view> Words(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string_view> words;
  for (size_t at = line.find_first_not_of(kBlank); at != std::string_view::npos; at = line.find_first_not_of(kBlank, at)) {
    size_t end = std::min(line.find_first_of(kBlank, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

bool IsHostName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  return name.size() <= 253 && name[0] != '-' && name.find_first_not_of(kLetters) == std::string_view::npos;
}

bool ReadCount(std::string_view word, int high, int* out) {
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *out);
  return error == std::errc() && end == word.data() + word.size() && *out >= 1 && *out <= high;
}

// "": the line is good.
std::string ReadNode(const std::vector<std::string_view>& words, NodeSpec* node) {
  if (words.size() != 3) return fmt::format("must be 'name sockets cores_per_socket', has {} words", words.size());
  if (!IsHostName(words[0])) return fmt::format("'{}' is no host name", words[0]);
  node->name = words[0];
  if (!ReadCount(words[1], kMaxSockets, &node->sockets)) return fmt::format("sockets must be a number from 1 to {}, is '{}'", kMaxSockets, words[1]);
  if (!ReadCount(words[2], kMaxCores, &node->cores_per_socket)) {
    return fmt::format("cores_per_socket must be a number from 1 to {}, is '{}'", kMaxCores, words[2]);
  }
  return "";
}

}  // namespace

Result<std::vector<NodeSpec>> ParseHostfile(std::string_view text, std::string_view what) {
  std::vector<NodeSpec> nodes;
  std::set<std::string> names;
  int number = 0;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find_first_of("\n;", at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (size_t comment = line.find('#'); comment != std::string_view::npos) {
      line = line.substr(0, comment);
      // A ';' inside a comment does not end it.
      at = std::min(text.find('\n', end), text.size()) + 1;
    }
    std::vector<std::string_view> words = Words(line);
    if (words.empty()) continue;
    NodeSpec node;
    std::string wrong = ReadNode(words, &node);
    if (wrong.empty() && !names.insert(node.name).second) wrong = fmt::format("'{}' is there twice", node.name);
    if (!wrong.empty()) return InvalidArgument(fmt::format("{}, line {}: {}", what, number, wrong), "BAD_HOSTFILE");
    nodes.push_back(std::move(node));
  }
  if (nodes.empty()) return InvalidArgument(fmt::format("{} names no node; a line is 'name sockets cores_per_socket'", what), "BAD_HOSTFILE");
  return nodes;
}

}  // namespace ns
