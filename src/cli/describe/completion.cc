#include "cli/describe/completion.h"

namespace ns {

namespace {

// In single quotes of a shell.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string Words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> OptionNames(const CommandDescription& command) {
  std::vector<std::string> names;
  for (const OptionDescription& option : command.options) {
    if (!option.positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  names.push_back("--help");
  return names;
}

std::string Pattern(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "|") + name;
  return text;
}

void BashCommand(const CommandDescription& command, std::string* out) {
  *out += fmt::format("    {})\n      options={}\n      case $before in\n", command.name, Quoted(Words(OptionNames(command))));
  std::vector<std::string> free;
  for (const OptionDescription& option : command.options) {
    if (option.positional) {
      free.insert(free.end(), option.choices.begin(), option.choices.end());
    } else if (!option.choices.empty()) {
      *out += fmt::format("        {}) words={} ;;\n", Pattern(option.names), Quoted(Words(option.choices)));
    } else if (!option.value.empty()) {
      *out += fmt::format("        {}) files=1 ;;\n", Pattern(option.names));
    }
  }
  *out += "      esac\n";
  if (!free.empty()) *out += fmt::format("      free={}\n", Quoted(Words(free)));
  *out += "      ;;\n";
}

// For _arguments: brackets and colons end a part.
std::string ZshText(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string ZshAction(const OptionDescription& option) {
  if (!option.choices.empty()) return "(" + Words(option.choices) + ")";
  return "_files";
}

void ZshCommand(const CommandDescription& command, std::string* out) {
  *out += fmt::format("        {})\n          _arguments -s \\\n", command.name);
  for (const OptionDescription& option : command.options) {
    if (option.positional) {
      *out += "            " + Quoted(fmt::format("{}:{}:{}", option.required ? "" : ":", ZshText(option.names[0]), ZshAction(option))) + " \\\n";
      continue;
    }
    for (const std::string& name : option.names) {
      std::string value = option.value.empty() ? "" : fmt::format(":{}:{}", ZshText(option.value), ZshAction(option));
      std::string equals = !option.value.empty() && name.starts_with("--") ? "=" : "";
      *out += "            " + Quoted(fmt::format("*{}{}[{}]{}", name, equals, ZshText(option.help), value)) + " \\\n";
    }
  }
  *out += "            '--help[Show the help]'\n          ;;\n";
}

}  // namespace

std::string BashCompletion(const ProgramDescription& program) {
  std::vector<std::string> commands;
  std::string cases;
  for (const CommandDescription& command : program.commands) {
    commands.push_back(command.name);
    BashCommand(command, &cases);
  }
  return fmt::format(R"x(# Completion of {0} {1} for bash, made by '{0} completion bash'.
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
  local options= words= free= files=
  # bash cuts at '=': in "--name=val" and "--name=" the name is one or two words back.
  if [[ $current == = ]]; then
    current=
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W {2} -- "$current"))
    return
  fi
  case $command in
{3}  esac
  if [[ $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  elif [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ $free ]]; then
    COMPREPLY=($(compgen -W "$free" -- "$current"))
  else
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}}
complete -F _{0} {0}
)x",
                     program.name, program.version, Quoted(Words(commands) + " --help --version"), cases);
}

std::string ZshCompletion(const ProgramDescription& program) {
  std::string commands, cases;
  for (const CommandDescription& command : program.commands) {
    commands += "    " + Quoted(command.name + ":" + ZshText(command.help)) + "\n";
    ZshCommand(command, &cases);
  }
  return fmt::format(R"x(#compdef {0}
# Completion of {0} {1} for zsh, made by '{0} completion zsh'.
_{0}() {{
  local context state line
  local -a commands
  commands=(
{2}  )
  _arguments -C '--version[Show the version]' '--help[Show the help]' '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
{3}      esac
      ;;
  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _{0} "$@"
else
  compdef _{0} {0}
fi
)x",
                     program.name, program.version, commands, cases);
}

}  // namespace ns
