#include "service/resolve_inputs.h"

#include <algorithm>

#include "base/file.h"
#include "fetch/address.h"
#include "service/script_folder.h"
#include "tasks/hub_name.h"
#include "tasks/requirement.h"
#include "tasks/task_inputs.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

class Resolver {
 public:
  Resolver(const FileOwner& owner, const InputSources& sources, std::vector<FieldError>* errors)
      : owner_(owner), sources_(sources), errors_(errors) {}

  // The file that `text` stands for; "" for an address, and (with an error) for what is wrong.
  fs::path Path(const std::string& text, std::vector<std::string> loc);
  void CheckModel(const fs::path& model, const std::string& given);
  void CheckAddress(const std::string& text, std::vector<std::string> loc);

 private:
  fs::path Upload(const std::string& text, std::vector<std::string> loc);
  fs::path Below(const std::string& text, std::vector<std::string> loc);
  void Wrong(std::vector<std::string> loc, std::string message, const char* type) {
    errors_->push_back({std::move(loc), std::move(message), type});
  }

  const FileOwner& owner_;
  const InputSources& sources_;
  std::vector<FieldError>* errors_;
};

void Resolver::CheckAddress(const std::string& text, std::vector<std::string> loc) {
  auto address = ParseAddress(text, sources_.rules);
  if (!address.ok()) Wrong(std::move(loc), address.status().message(), "value_error.url");
}

fs::path Resolver::Upload(const std::string& text, std::vector<std::string> loc) {
  std::string id = text.substr(std::string_view("upload:").size());
  if (sources_.files != nullptr) {
    auto file = sources_.files->Get(owner_, id);
    if (file.ok()) {
      sources_.files->Touch(*file);
      return file->path;
    }
    // A name in the place of an id, mostly.
    if (auto named = sources_.files->GetNamed(owner_, id); named.ok()) {
      Wrong(std::move(loc), fmt::format("there is no uploaded file with the id \"{}\"; the file of that name is \"upload:{}\"", id, named->id),
            "value_error.upload");
      return {};
    }
    if (auto part = sources_.files->Part(owner_.value_or(""), id); part.ok()) {
      Wrong(std::move(loc), fmt::format("only {} bytes of \"{}\" were uploaded; finish it with PUT /files/{}", part->received, id, id), "value_error.upload");
      return {};
    }
  }
  Wrong(std::move(loc), fmt::format("there is no uploaded file \"{}\"; upload it with PUT /files/NAME, which answers with its id", id),
        "value_error.upload");
  return {};
}

fs::path Resolver::Below(const std::string& text, std::vector<std::string> loc) {
  auto found = ResolveUploadPath(sources_, text);
  if (found.ok()) return *found;
  Wrong(std::move(loc), found.status().message(), "value_error.path");
  return {};
}

fs::path Resolver::Path(const std::string& text, std::vector<std::string> loc) {
  if (IsUploadReference(text)) return Upload(text, std::move(loc));
  if (!IsAddress(text)) return Below(text, std::move(loc));
  CheckAddress(text, std::move(loc));
  return {};
}

void Resolver::CheckModel(const fs::path& model, const std::string& given) {
  if (model.empty() || (fs::is_regular_file(model) && (model.extension() == ".onnx" || IsArchiveName(model.string())))) return;
  if (fs::is_directory(model) && fs::exists(model / "config.json")) return;
  Wrong({"body", "model"},
        fmt::format("must be a .onnx file, a Hugging Face model folder (with a config.json), or an archive of one, got \"{}\"", given),
        "value_error.path");
}

// A path that is there wins over a model of the hub with that name. A name without its owner is more likely a path with a mistake in it.
bool IsOfTheHub(const InputSources& sources, const std::string& text) {
  return IsHubName(text) && text.find('/') != text.npos && ResolveUploadPath(sources, text).status().reason() == "NO_SUCH_INPUT";
}

// Whether `path` is `folder` or lies below it; both are canonical.
bool IsWithin(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

}  // namespace

Result<fs::path> ResolveUploadPath(const InputSources& sources, const std::string& text) {
  auto found = ResolveBelow(sources.upload_path, text);
  if (!found.ok() && found.status().reason() == "PATH_OUTSIDE_ROOT") {
    return InvalidArgument(fmt::format("must be a path below the service's --upload_path, got \"{}\"", text), "PATH_OUTSIDE_ROOT");
  }
  if (!found.ok()) {
    return NotFound(fmt::format("there is no \"{}\" below the service's --upload_path ('{}')", text, sources.upload_path.string()), "NO_SUCH_INPUT");
  }
  if (sources.workspace.empty()) return found;
  std::error_code ignored;
  fs::path workspace = fs::weakly_canonical(sources.workspace, ignored);
  if (IsWithin(*found, workspace)) {
    return InvalidArgument(fmt::format("\"{}\" belongs to the service itself; give your own files", text), "PATH_OF_WORKSPACE");
  }
  if (IsWithin(workspace, *found)) {
    return InvalidArgument(
        fmt::format("\"{}\" holds the service's workspace; put your files into a folder of their own, or start the service with --workspace elsewhere", text),
        "PATH_OF_WORKSPACE");
  }
  return found;
}

void ResolveInputs(const TaskSpec& spec, const FileOwner& owner, const InputSources& sources, NewTask* task, std::vector<FieldError>* errors) {
  Resolver resolver(owner, sources, errors);
  if (IsAddress(spec.script_url)) {
    resolver.CheckAddress(spec.script_url, {"body", "script_url"});
  } else if (!spec.script_url.empty()) {
    task->model_path = ResolveScript(sources, spec, errors);  // of a script task the script's
  }
  if (!spec.model.empty() && !IsOfTheHub(sources, spec.model)) {
    task->model_path = resolver.Path(spec.model, {"body", "model"});
    resolver.CheckModel(task->model_path, spec.model);
  }
  if (spec.dataset) task->dataset_path = resolver.Path(spec.dataset->path, {"body", "dataset", "path"});
  if (spec.dataset && !spec.dataset->calibration_path.empty()) {
    task->calibration_path = resolver.Path(spec.dataset->calibration_path, {"body", "dataset", "calibration"});
  }
  for (size_t i = 0; i < spec.requirements.size(); ++i) {
    std::string address(AddressOfRequirement(spec.requirements[i]));
    if (!address.empty()) resolver.CheckAddress(address, {"body", "requirements", std::to_string(i)});
  }
  if (!spec.webhook.empty()) resolver.CheckAddress(spec.webhook, {"body", "webhook"});
}

}  // namespace ns
