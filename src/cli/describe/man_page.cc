#include "cli/describe/man_page.h"

namespace ns {

namespace {

// Text that roff takes as it is: backslashes and dashes escaped, no line begins with a dot or an apostrophe.
std::string Roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Head(const OptionDescription& option) {
  std::string head;
  for (const std::string& name : option.names) head += fmt::format("{}\\fB{}\\fR", head.empty() ? "" : ", ", Roff(name));
  if (option.positional || option.value.empty()) return head;
  std::string value = option.choices.empty() ? option.value : "";
  for (const std::string& choice : option.choices) value += (value.empty() ? "" : "|") + choice;
  return head + fmt::format(" \\fI{}\\fR", Roff(value));
}

void Synopsis(const CommandDescription& command, const std::string& program, std::string* out) {
  *out += fmt::format(".SS \"{} {}", Roff(program), Roff(command.name));
  for (const OptionDescription& option : command.options) {
    if (!option.positional) continue;
    std::string name = Roff(option.names[0]);
    *out += option.required ? " " + name : " [" + name + "]";
  }
  *out += " [options]\"\n" + Roff(command.help) + ".\n";
}

void Option(const OptionDescription& option, std::string* out) {
  *out += ".TP\n" + Head(option) + "\n";
  std::string text = option.help;
  if (!option.standard.empty()) text += (text.empty() ? "default: " : "; default: ") + option.standard;
  *out += Roff(text.empty() ? "See above." : text) + "\n";
}

void Paragraphs(std::string_view text, std::string* out) {
  while (!text.empty()) {
    size_t end = text.find("\n\n");
    *out += ".PP\n" + Roff(text.substr(0, end)) + "\n";
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 2);
  }
}

}  // namespace

std::string ManPage(const ProgramDescription& program, const std::vector<ManSection>& sections) {
  std::string out = fmt::format(".TH \"{}\" 1 \"\" \"{} {}\" \"User commands\"\n.SH NAME\n{} \\- {}\n", Roff(program.name), Roff(program.name),
                                Roff(program.version), Roff(program.name), Roff(program.help));
  out += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR \\fIcommand\\fR [options]\n.SH COMMANDS\n", Roff(program.name));
  for (const CommandDescription& command : program.commands) {
    Synopsis(command, program.name, &out);
    for (const OptionDescription& option : command.options) Option(option, &out);
  }
  for (const ManSection& section : sections) {
    out += fmt::format(".SH \"{}\"\n", Roff(section.title));
    Paragraphs(section.text, &out);
  }
  return out;
}

}  // namespace ns
