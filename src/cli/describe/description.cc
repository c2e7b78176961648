#include "cli/describe/description.h"

namespace ns {

namespace {

// Fields between tabs; tabs and line breaks of a text become spaces.
std::string Clean(std::string text) {
  for (char& c : text) {
    if (c == '\t' || c == '\n') c = ' ';
  }
  return text;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::vector<std::string> Split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> List(const std::string& text) { return text.empty() ? std::vector<std::string>() : Split(text, ','); }

}  // namespace

std::string CommandsToText(const std::vector<CommandDescription>& commands) {
  std::string text;
  for (const CommandDescription& command : commands) {
    text += fmt::format("command\t{}\t{}\t{}\n", command.name, Clean(command.help), Clean(command.group));
    for (const OptionDescription& option : command.options) {
      text += fmt::format("option\t{}\t{}\t{}\t{}\t{}\t{}{}\n", Joined(option.names), option.value, Clean(option.help), Clean(option.standard),
                          Joined(option.choices), option.positional ? "p" : "", option.required ? "r" : "");
    }
  }
  return text;
}

Result<std::vector<CommandDescription>> ParseCommands(std::string_view text) {
  std::vector<CommandDescription> commands;
  for (const std::string& line : Split(text, '\n')) {
    if (line.empty()) continue;
    std::vector<std::string> parts = Split(line, '\t');
    if (parts.size() == 4 && parts[0] == "command") {
      commands.push_back({parts[1], parts[2], parts[3], {}});
    } else if (parts.size() == 7 && parts[0] == "option" && !commands.empty()) {
      bool positional = parts[6].find('p') != std::string::npos, required = parts[6].find('r') != std::string::npos;
      commands.back().options.push_back({List(parts[1]), parts[2], parts[3], parts[4], List(parts[5]), positional, required});
    } else {
      return InvalidArgument(fmt::format("not a description of commands: {}", line), "BAD_DESCRIPTION");
    }
  }
  return commands;
}

}  // namespace ns
