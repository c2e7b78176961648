#include "worker/script_model.h"

#include <algorithm>
#include <system_error>
#include <vector>

namespace ns {
namespace fs = std::filesystem;

namespace {

bool IsBelow(const fs::path& path, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

// What an optimizer or Python leaves beside the model.
bool IsLitter(const fs::path& path) {
  return std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == "nc_workspace" || part == "__pycache__"; });
}

Status CopyFile(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  fs::create_hard_link(from, to, error);
  if (error) fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot copy '{}' to '{}'", from.string(), to.string())) : OkStatus();
}

}  // namespace

std::set<fs::path> FilesBelow(const fs::path& folder) {
  std::set<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->symlink_status(error).type() == fs::file_type::regular) files.insert(at->path().lexically_relative(folder));
  }
  return files;
}

Result<fs::path> OnlyNewModel(const fs::path& run_folder, const std::set<fs::path>& before) {
  std::vector<std::string> models;
  for (const fs::path& file : FilesBelow(run_folder)) {
    if (file.extension() == ".onnx" && !before.contains(file) && !IsLitter(file)) models.push_back(file.string());
  }
  if (models.empty()) return fs::path();
  if (models.size() == 1) return run_folder / models[0];
  return FailedPrecondition(fmt::format("the script wrote {} .onnx files ('{}', '{}', ...) and did not say which one is the result: call "
                                        "neural_solution.report(model=...)", models.size(), models[0], models[1]), "SEVERAL_MODELS");
}

Status TakeModel(const fs::path& saved, const fs::path& run_folder, const fs::path& work_folder, const std::set<fs::path>& before,
                 const fs::path& result) {
  std::error_code error;
  fs::path source = fs::canonical(saved.is_absolute() ? saved : run_folder / saved, error);
  fs::path root = error ? fs::path() : fs::canonical(work_folder, error);
  if (error || !IsBelow(source, root) || source == root) {
    return FailedPrecondition(fmt::format("the script says that it saved its model to '{}', and there is none below its working folder", saved.string()),
                              "MODEL_NOT_THERE");
  }
  if (fs::is_regular_file(source)) {
    NS_RETURN_IF_ERROR(CopyFile(source, result / source.filename()));
    for (const char* end : {"_data", ".data"}) {  // the names that external data has by custom
      fs::path data = source.string() + end;
      if (fs::symlink_status(data, error).type() == fs::file_type::regular) NS_RETURN_IF_ERROR(CopyFile(data, result / data.filename()));
    }
    return OkStatus();
  }
  fs::path run = fs::canonical(run_folder, error);
  bool holds_script = IsBelow(run, source);
  for (const fs::path& file : FilesBelow(source)) {
    if (holds_script && (before.contains((source / file).lexically_relative(run)) || IsLitter(file))) continue;
    NS_RETURN_IF_ERROR(CopyFile(source / file, result / file));
  }
  return OkStatus();
}

uint64_t BytesBelow(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const fs::path& file : FilesBelow(folder)) bytes += fs::file_size(folder / file, ignored);
  return bytes;
}

}  // namespace ns
