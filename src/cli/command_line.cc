#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "cli/config_file.h"
#include "cli/describe/describe_app.h"

namespace ns {

struct Command::Node {
  CLI::App* app;
  std::function<int()> action;
  std::vector<std::string> configurable;  // long names
  std::string config_file;                // --config
  std::vector<std::string> on_line;       // long names of what stood on the command line
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

Command& Command::Option(const std::string& names, std::string* out, const std::string& help, bool required) {
  auto* option = node_->app->add_option(names, *out, help);
  if (!out->empty()) option->capture_default_str();
  if (required) option->required();
  return *this;
}

Command& Command::Option(const std::string& names, int* out, const std::string& help, int low, int high) {
  node_->app->add_option(names, *out, help)->check(CLI::Range(low, high))->capture_default_str();
  return *this;
}

Command& Command::Option(const std::string& names, double* out, const std::string& help) {
  node_->app->add_option(names, *out, help)->check(CLI::NonNegativeNumber)->capture_default_str();
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
    if (shown && (names.empty() || std::find(names.begin(), names.end(), name) != names.end())) node_->configurable.push_back(name);
  }
  return *this;
}

void Command::Runs(std::function<int()> action) { node_->action = std::move(action); }

std::vector<std::string> Command::GivenNames() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : node_->app->get_options()) {
    if (option->count() > 0 && !LongName(*option).empty()) names.push_back(LongName(*option));
  }
  return names;
}

std::vector<std::string> Command::GivenArguments() const {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : node_->app->get_options()) {
    const auto& names = node_->on_line;
    if (std::find(names.begin(), names.end(), LongName(*option)) == names.end()) continue;
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

// What the command line does not say, from the environment and the configuration file.
Status CommandLine::Impl::FillIn(Command::Node& command) const {
  if (command.configurable.empty()) return OkStatus();
  NS_ASSIGN_OR_RETURN(ConfigFile file, LoadConfig(command.config_file, Configurable()));
  for (const std::string& name : command.configurable) {
    CLI::Option& option = *command.app->get_option("--" + name);
    if (option.count() > 0) continue;
    std::string variable = VariableName(name);
    const char* value = std::getenv(variable.c_str());
    const ConfigEntry* entry = file.Find(name);
    if (value != nullptr && *value != '\0') {
      NS_RETURN_IF_ERROR(Set(option, value, variable));
    } else if (entry != nullptr) {
      NS_RETURN_IF_ERROR(Set(option, entry->value, fmt::format("{}:{}", file.path.string(), entry->line)));
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
  const CLI::App* chosen = nullptr;
  for (const auto& command : impl_->commands) {
    if (argc > 1 && command->app->get_name() == argv[1]) chosen = command->app;
  }
  if (argc > 1 && argv[1][0] != '-' && chosen == nullptr) {
    std::vector<std::string> names;
    for (const auto& command : impl_->commands) names.push_back(command->app->get_name());
    auto nearest = Nearest(argv[1], names);
    return impl_->Fail(fmt::format("there is no command '{}'{}", argv[1], nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""), nullptr);
  }
  try {
    impl_->app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return impl_->app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return impl_->Fail(OneLine(error, chosen), chosen);
  }
  for (const auto& command : impl_->commands) {
    if (!command->app->parsed()) continue;
    command->on_line = Command(command).GivenNames();
    if (Status status = impl_->FillIn(*command); !status.ok()) return impl_->Fail(status.message(), command->app);
    return command->action();
  }
  return 2;
}

}  // namespace ns
