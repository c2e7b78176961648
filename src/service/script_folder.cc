#include "service/script_folder.h"

#include "tasks/task_inputs.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> ScriptsIn(const fs::path& folder) {
  std::vector<fs::path> scripts;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".py" && at->symlink_status(error).type() == fs::file_type::regular) scripts.push_back(at->path());
  }
  return scripts;
}

}  // namespace

fs::path ResolveScript(const InputSources& sources, const TaskSpec& spec, std::vector<FieldError>* errors) {
  if (IsAddress(spec.script_url)) return {};
  auto wrong = [&](std::string message) {
    errors->push_back({{"body", "script_url"}, std::move(message), "value_error.path"});
    return fs::path();
  };
  auto folder = ResolveUploadPath(sources, spec.script_url);
  std::error_code ignored;
  if (!folder.ok()) return wrong(folder.status().message());
  if (!fs::is_directory(*folder, ignored)) return wrong(fmt::format("must be a folder that holds one .py file, got \"{}\"", spec.script_url));
  std::vector<fs::path> scripts = ScriptsIn(*folder);
  if (scripts.size() == 1) return scripts[0];
  return wrong(fmt::format("the folder \"{}\" must hold exactly one .py file, it holds {}", spec.script_url, scripts.size()));
}

}  // namespace ns
