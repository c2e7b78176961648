#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "base/byte_size.h"
#include "cli/config_file.h"
#include "cli/describe/describe_app.h"

namespace ns {

struct Command::Node {
  CLI::App* app;
  std::function<int()> action;
  std::vector<std::string> configurable;  // long names
  std::string config_file;                // --config
  std::vector<std::string> rivals;        // long names
  std::vector<std::string> on_line;       // long names of what stood on the command line
  CLI::Option* newest = nullptr;
  std::vector<std::string>* rest = nullptr;

  CLI::Option* Add(CLI::Option* option) { return newest = option; }
  // Spells the options as the command knows them; takes out what stands after "--".
  std::vector<std::string> Prepare(std::vector<std::string>* arguments) const;
};

struct CommandLine::Impl {
  CLI::App app;
  std::string program, description, version;
  std::vector<std::shared_ptr<Command::Node>> commands;

  std::vector<std::string> Configurable() const;
  Status FillIn(Command::Node& command) const;
  int Fail(const std::string& message, const CLI::App* command) const;
};

namespace {

std::string LongName(const CLI::Option& option) { return option.get_lnames().empty() ? "" : option.get_lnames()[0]; }

// Long names of the options that have a value, wherever it came from.
std::vector<std::string> GivenTo(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0 && !LongName(*option).empty()) names.push_back(LongName(*option));
  }
  return names;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

// "--dry_run=x" as "--dry-run=x" where that is what the command calls it, and the other way round.
std::string KnownSpelling(const CLI::App& command, std::string argument) {
  if (!argument.starts_with("--") || argument.size() == 2) return argument;
  size_t end = std::min(argument.find('='), argument.size());
  auto plain = [](std::string_view name) {
    std::string text(name);
    std::replace(text.begin(), text.end(), '_', '-');
    return text;
  };
  std::string word = plain(std::string_view(argument).substr(2, end - 2));
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (plain(name) == word) return "--" + name + argument.substr(end);
    }
  }
  return argument;
}

std::string VariableName(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "NEURAL_SOLUTION_" + name;
}

// The value as if it had stood on the command line.
Status Set(CLI::Option& option, const std::string& value, const std::string& where) {
  try {
    option.add_result(value);
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    return InvalidArgument(fmt::format("{}: {}", where, what.substr(0, what.find('\n'))), "BAD_USAGE");
  }
  return OkStatus();
}

// The first line of what the library says, and for an option that isn't known the nearest that is.
std::string OneLine(const CLI::ParseError& error, const CLI::App* command) {
  std::string what = error.what();
  what = what.substr(0, what.find('\n'));
  size_t dashes = what.find(" --");
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || command == nullptr || dashes == std::string::npos) return what;
  std::string word = what.substr(dashes + 3, what.find_first_of(" =", dashes + 3) - dashes - 3);
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options()) {
    if (!option->get_group().empty()) known.insert(known.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  auto nearest = Nearest(word, known);
  return fmt::format("'{}' has no option '--{}'{}", command->get_name(), word, nearest ? fmt::format("; did you mean '--{}'?", *nearest) : "");
}

}  // namespace

std::vector<std::string> Command::Node::Prepare(std::vector<std::string>* arguments) const {
  std::vector<std::string> after;
  auto dashes = std::find(arguments->begin(), arguments->end(), "--");
  if (rest != nullptr && dashes != arguments->end()) {
    after.assign(dashes + 1, arguments->end());
    arguments->erase(dashes, arguments->end());
  }
  for (std::string& argument : *arguments) argument = KnownSpelling(*app, std::move(argument));
  return after;
}

Command& Command::Option(const std::string& names, std::string* out, const std::string& help, bool required) {
  auto* option = node_->Add(node_->app->add_option(names, *out, help));
  if (!out->empty()) option->capture_default_str();
  if (required) option->required();
  return *this;
}

Command& Command::Option(const std::string& names, int* out, const std::string& help, int low, int high) {
  node_->Add(node_->app->add_option(names, *out, help))->check(CLI::Range(low, high))->capture_default_str();
  return *this;
}

Command& Command::Option(const std::string& names, double* out, const std::string& help) {
  node_->Add(node_->app->add_option(names, *out, help))->check(CLI::NonNegativeNumber)->capture_default_str();
  return *this;
}

Command& Command::Choice(const std::string& names, std::string* out, const std::vector<std::string>& values, const std::string& help, bool required) {
  auto* option = node_->app->add_option(names, *out, help)->check(OneOf(values));
  if (!out->empty()) option->capture_default_str();
  if (required) option->required();
  return *this;
}

Command& Command::Flag(const std::string& names, bool* out, const std::string& help) {
  node_->app->add_flag(names, *out, help);
  return *this;
}

Command& Command::List(const std::string& names, std::vector<std::string>* out, const std::string& help, const std::vector<std::string>& values) {
  auto* option = node_->Add(node_->app->add_option(names, *out, help))->allow_extra_args(false);
  if (!values.empty()) option->check(OneOf(values));
  return *this;
}

Command& Command::Bytes(const std::string& names, uint64_t* out, const std::string& help) {
  auto read = [](std::string& text) {
    auto bytes = ParseByteSize(text);
    if (!bytes) return fmt::format("must be a size such as 16GB, 500MiB or 1000000, got '{}'", text);
    text = std::to_string(*bytes);
    return std::string();
  };
  node_->Add(node_->app->add_option(names, *out, help))->transform(CLI::Validator(read, ""))->type_name("SIZE")->default_str(FormatByteSize(*out));
  return *this;
}

Command& Command::ValueName(const std::string& word) {
  node_->newest->type_name(word);
  return *this;
}

Command& Command::Rest(const std::string& name, std::vector<std::string>* out, const std::string& help) {
  node_->Add(node_->app->add_option(name, *out, help));
  node_->rest = out;
  return *this;
}

Command& Command::Rivals(const std::vector<std::string>& names) {
  node_->rivals = names;
  return *this;
}

Command& Command::Hidden(const std::string& names, std::string* out) {
  node_->app->add_option(names, *out)->group("");
  return *this;
}

Command& Command::Configurable(const std::vector<std::string>& names) {
  if (node_->app->get_option_no_throw("--config") == nullptr) {
    node_->app->add_option("--config", node_->config_file, "File with options as \"name = value\"; default: neural_solution.conf in "
                                                           "$XDG_CONFIG_HOME or /etc");
  }
  for (const CLI::Option* option : node_->app->get_options()) {
    std::string name = LongName(*option);
    bool shown = !name.empty() && name != "help" && name != "config" && !option->get_group().empty();
    if (shown && (names.empty() || Contains(names, name))) node_->configurable.push_back(name);
  }
  return *this;
}

void Command::Runs(std::function<int()> action) { node_->action = std::move(action); }

std::vector<std::string> Command::GivenNames() const { return GivenTo(*node_->app); }

std::vector<std::string> Command::GivenArguments() const {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : node_->app->get_options()) {
    if (!Contains(node_->on_line, LongName(*option))) continue;
    bool flag = option->get_items_expected_max() == 0;
    arguments.push_back(fmt::format("--{}={}", LongName(*option), flag ? (option->as<bool>() ? "true" : "false") : option->results().back()));
  }
  return arguments;
}

CommandLine::CommandLine(const std::string& program, const std::string& description, const std::string& version)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = program;
  impl_->description = description;
  impl_->version = version;
  impl_->app.description(description);
  impl_->app.name(program);
  impl_->app.set_version_flag("--version", program + " " + version);
  impl_->app.require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::Add(const std::string& name, const std::string& description, const std::string& group) {
  CLI::App* app = impl_->app.add_subcommand(name, description);
  app->group(group);
  auto node = std::make_shared<Command::Node>();
  node->app = app;
  impl_->commands.push_back(node);
  return Command(node);
}

void CommandLine::Footer(const std::string& text) { impl_->app.footer(text); }

ProgramDescription CommandLine::Describe() const {
  return {impl_->program, impl_->description, impl_->version, DescribeCommands(impl_->app)};
}

std::vector<std::string> CommandLine::Impl::Configurable() const {
  std::vector<std::string> names;
  for (const auto& command : commands) {
    for (const std::string& name : command->configurable) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

// What the command line does not say, from the environment, and what that does not say, from the configuration file.
Status CommandLine::Impl::FillIn(Command::Node& command) const {
  if (command.configurable.empty()) return OkStatus();
  NS_ASSIGN_OR_RETURN(ConfigFile file, LoadConfig(command.config_file, Configurable()));
  for (bool from_file : {false, true}) {
    std::vector<std::string> settled = GivenTo(*command.app);
    bool rival = std::any_of(command.rivals.begin(), command.rivals.end(), [&](const std::string& name) { return Contains(settled, name); });
    for (const std::string& name : command.configurable) {
      if (Contains(settled, name) || (rival && Contains(command.rivals, name))) continue;
      CLI::Option& option = *command.app->get_option("--" + name);
      std::string variable = VariableName(name);
      const char* value = std::getenv(variable.c_str());
      const ConfigEntry* entry = file.Find(name);
      if (!from_file && value != nullptr && *value != '\0') NS_RETURN_IF_ERROR(Set(option, value, variable));
      if (from_file && entry != nullptr) NS_RETURN_IF_ERROR(Set(option, entry->value, fmt::format("{}:{}", file.path.string(), entry->line)));
    }
  }
  return OkStatus();
}

int CommandLine::Impl::Fail(const std::string& message, const CLI::App* command) const {
  std::string help = command == nullptr ? program : program + " " + command->get_name();
  std::fprintf(stderr, "%s: %s (see '%s --help')\n", program.c_str(), message.c_str(), help.c_str());
  return 2;
}

int CommandLine::Parse(int argc, char** argv) {
  Command::Node* chosen = nullptr;
  for (const auto& command : impl_->commands) {
    if (argc > 1 && command->app->get_name() == argv[1]) chosen = command.get();
  }
  if (argc > 1 && argv[1][0] != '-' && chosen == nullptr) {
    std::vector<std::string> names;
    for (const auto& command : impl_->commands) names.push_back(command->app->get_name());
    auto nearest = Nearest(argv[1], names);
    return impl_->Fail(fmt::format("there is no command '{}'{}", argv[1], nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""), nullptr);
  }
  std::vector<std::string> arguments(argv + 1, argv + argc), rest;
  if (chosen != nullptr) rest = chosen->Prepare(&arguments);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as the library wants them
    impl_->app.parse(std::move(arguments));
  } catch (const CLI::Success& help_or_version) {
    return impl_->app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    if (argc < 2) return impl_->Fail("give a command, such as start, submit or optimize", nullptr);
    return impl_->Fail(OneLine(error, chosen == nullptr ? nullptr : chosen->app), chosen == nullptr ? nullptr : chosen->app);
  }
  if (chosen == nullptr) return 2;
  if (chosen->rest != nullptr) {
    std::string stray = chosen->rest->empty() ? "" : chosen->rest->front();
    if (!stray.empty()) return impl_->Fail(fmt::format("'{}' is one too many; what is meant for a script stands after '--'", stray), chosen->app);
    *chosen->rest = std::move(rest);
  }
  chosen->on_line = GivenTo(*chosen->app);
  if (Status status = impl_->FillIn(*chosen); !status.ok()) return impl_->Fail(status.message(), chosen->app);
  return chosen->action();
}

}  // namespace ns
