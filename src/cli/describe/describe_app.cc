#include "cli/describe/describe_app.h"

#include <algorithm>

namespace ns {

namespace {

// How OneOf() says the words, where CLI11 keeps a check's description: "{a,b,c}".
std::vector<std::string> ChoicesIn(const std::string& type) {
  size_t open = type.find('{'), close = type.rfind('}');
  std::vector<std::string> words;
  if (open == std::string::npos || close == std::string::npos || close < open) return words;
  std::string list = type.substr(open + 1, close - open - 1);
  for (size_t at = 0; at <= list.size();) {
    size_t comma = std::min(list.find(',', at), list.size());
    words.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return words;
}

OptionDescription DescribeOption(const CLI::Option& option) {
  OptionDescription out;
  out.positional = option.get_positional();
  if (out.positional) {
    bool list = option.get_items_expected_max() > 1;  // then all that stands after "--"
    out.names.push_back(list ? "-- " + option.get_name() + "..." : option.get_name());
  } else {
    for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  }
  std::string type = option.get_type_name();
  out.choices = ChoicesIn(type);
  bool flag = option.get_items_expected_max() == 0;
  size_t end = std::min(type.find_first_of(":{ "), type.size());
  out.value = flag ? "" : !out.choices.empty() ? "WORD" : type.substr(0, end);
  if (!flag && out.value.empty()) out.value = "TEXT";
  out.help = option.get_description();
  out.standard = option.get_default_str();
  out.required = option.get_required();
  return out;
}

}  // namespace

std::vector<CommandDescription> DescribeCommands(const CLI::App& app) {
  std::vector<CommandDescription> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group().empty()) continue;
    CommandDescription out{command->get_name(), command->get_description(), command->get_group(), {}};
    for (const CLI::Option* option : command->get_options()) {
      if (option == command->get_help_ptr() || option->get_group().empty()) continue;
      out.options.push_back(DescribeOption(*option));
    }
    commands.push_back(std::move(out));
  }
  return commands;
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ",") + word;
  return CLI::Validator(
      [words](std::string& text) {
        if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
        std::string known;
        for (size_t i = 0; i < words.size(); ++i) known += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
        return "must be " + known + ", got '" + text + "'";
      },
      "{" + list + "}");
}

}  // namespace ns
