#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace ns {

struct Command::Node {
  CLI::App* app;
  std::shared_ptr<std::function<int()>> action;
};

struct CommandLine::Impl {
  CLI::App app;
  std::string program;
  std::vector<std::shared_ptr<Command::Node>> commands;
};

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

Command& Command::Choice(const std::string& names, std::string* out, const std::vector<std::string>& values, const std::string& help) {
  node_->app->add_option(names, *out, help)->check(CLI::IsMember(values))->capture_default_str();
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

void Command::Runs(std::function<int()> action) { *node_->action = std::move(action); }

CommandLine::CommandLine(const std::string& program, const std::string& description, const std::string& version)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = program;
  impl_->app.description(description);
  impl_->app.name(program);
  impl_->app.set_version_flag("--version", program + " " + version);
  impl_->app.require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::Add(const std::string& name, const std::string& description, const std::string& group) {
  CLI::App* app = impl_->app.add_subcommand(name, description);
  app->group(group);
  auto node = std::make_shared<Command::Node>(Command::Node{app, std::make_shared<std::function<int()>>()});
  impl_->commands.push_back(node);
  return Command(node);
}

void CommandLine::Footer(const std::string& text) { impl_->app.footer(text); }

int CommandLine::Parse(int argc, char** argv) {
  try {
    impl_->app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return impl_->app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    std::fprintf(stderr, "%s: %s (see '%s --help')\n", impl_->program.c_str(), what.substr(0, what.find('\n')).c_str(), impl_->program.c_str());
    return 2;
  }
  for (const auto& command : impl_->commands) {
    if (command->app->parsed()) return (*command->action)();
  }
  return 2;
}

}  // namespace ns
