#include "service/fetch_inputs.h"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>

#include "base/clock.h"
#include "base/file.h"
#include "fetch/address.h"
#include "fetch/download_cache.h"
#include "hub/hub_cache.h"
#include "hub/hub_model.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kStage = kFetchStepName;

bool IsJunk(const fs::path& path) {
  std::string name = path.filename().string();
  return name == "__MACOSX" || name.starts_with(".");
}

std::vector<fs::path> Entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!IsJunk(entry.path())) entries.push_back(entry.path());
  }
  return entries;
}

// An archive usually holds one folder that holds the rest.
fs::path InnerFolder(fs::path folder) {
  while (true) {
    std::vector<fs::path> entries = Entries(folder);
    if (entries.size() != 1 || !fs::is_directory(entries[0])) return folder;
    folder = entries[0];
  }
}

Result<fs::path> ModelIn(const fs::path& unpacked) {
  fs::path folder = InnerFolder(unpacked);
  if (fs::exists(folder / "config.json")) return folder;
  std::vector<fs::path> models;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".onnx" && !IsJunk(entry.path())) models.push_back(entry.path());
  }
  if (models.size() == 1) return models[0];
  return InvalidArgument(fmt::format("the model's archive must hold a Hugging Face folder (with a config.json) or one .onnx file; it holds {} .onnx "
                                     "files and no config.json", models.size()), "BAD_MODEL_ARCHIVE");
}

// A single file is the data set; of several, the folder.
fs::path DataIn(const fs::path& unpacked) {
  fs::path folder = InnerFolder(unpacked);
  std::vector<fs::path> entries = Entries(folder);
  return entries.size() == 1 ? entries[0] : folder;
}

// The folder itself stays: in a sandbox it is one that was put there.
Status EmptyFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::vector<fs::path> old;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) old.push_back(at->path());
  for (const fs::path& path : old) {
    if (!error) fs::remove_all(path, error);
  }
  return error ? ErrnoStatus(error.value(), fmt::format("cannot clear '{}'", folder.string())) : OkStatus();
}

class Bringer {
 public:
  Bringer(const FetchInputsOptions& options, EventLog& events)
      : options_(options), events_(events), cache_({options.cache_folder, options.cache_bytes}), folder_(options.task_folder / kInputsFolderName) {}

  Status Run();

 private:
  // The path that stands for `given`, or "" when `there` can be used as it is.
  Result<fs::path> Bring(const char* role, const std::string& given, const fs::path& there, bool is_model);
  Result<fs::path> Fetch(const char* role, const std::string& url);
  Result<fs::path> FetchFromHub(const HubName& name);
  FetchOptions Options();
  void Say(const std::string& line, bool warning = false);

  const FetchInputsOptions& options_;
  EventLog& events_;
  const DownloadCache cache_;
  const fs::path folder_;
};

void Bringer::Say(const std::string& line, bool warning) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  (void)events_.Append(NoteEvent{line, warning});
}

FetchOptions Bringer::Options() {
  FetchOptions fetch = options_.fetch;
  fetch.log = [this](const std::string& line) { Say(line, true); };
  fetch.told = [this](uint64_t done, uint64_t total) {
    (void)events_.Append(ProgressEvent{kStage, static_cast<double>(done), static_cast<double>(total), std::nullopt});
  };
  return fetch;
}

Result<fs::path> Bringer::Fetch(const char* role, const std::string& url) {
  Say(fmt::format("fetching the {} from {}", role, ShownAddress(url)));
  NS_ASSIGN_OR_RETURN(DownloadCache::File file, cache_.Fetch(url, folder_ / (std::string(role) + ".fetched"), Options()));
  std::error_code error;
  Say(fmt::format("{} '{}': {} bytes, SHA-256 {}", file.was_cached ? "unchanged since it was last fetched," : "fetched",
                  file.path.filename().string(), fs::file_size(file.path, error), file.sha256));
  return file.path;
}

// The worker gets files of its own: the cache's are links, which lead out of what it sees.
Result<fs::path> Bringer::FetchFromHub(const HubName& name) {
  Say(fmt::format("fetching the model {} from {}", name.text(), ShownAddress(options_.hub.endpoint)));
  {
    NS_ASSIGN_OR_RETURN(HubModel model, FetchHubModel(name, options_.hub, Options()));
    std::string how = model.fetched_bytes > 0 ? fmt::format("fetched {} bytes", model.fetched_bytes) : "all of it was in the cache";
    Say(fmt::format("{} (commit {}): {} files, {}", name.text(), model.commit, model.files.size(), how));
    NS_RETURN_IF_ERROR(PlaceHubModel(model, folder_ / "model"));
  }
  TrimHubCache(options_.hub.cache, options_.hub_cache_bytes);
  return folder_ / "model";
}

Result<fs::path> Bringer::Bring(const char* role, const std::string& given, const fs::path& there, bool is_model) {
  fs::path file = there;
  if (is_model && there.empty() && IsHubName(given)) return FetchFromHub(ParseHubName(given).value());
  if (IsAddress(given)) {
    NS_ASSIGN_OR_RETURN(file, Fetch(role, given));
  }
  if (!IsArchiveName(file.filename().string())) {
    if (is_model && IsAddress(given) && file.extension() != ".onnx") {
      return InvalidArgument(fmt::format("{} is '{}', which is no model: an .onnx file, or an archive of a Hugging Face folder (.zip, .tar.gz, ...)",
                                         ShownAddress(given), file.filename().string()), "BAD_MODEL");
    }
    return file == there ? fs::path() : file;
  }
  fs::path unpacked = folder_ / role;
  NS_RETURN_IF_ERROR(UnpackArchive(file, unpacked, options_.unpack).WithContext(fmt::format("the {}", role)));
  Say(fmt::format("unpacked '{}'", file.filename().string()));
  if (is_model) return ModelIn(unpacked);
  return DataIn(unpacked);
}

Status Bringer::Run() {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(options_.task_folder / kTaskFileName));
  NS_ASSIGN_OR_RETURN(TaskFile task, ParseTaskFile(text));
  NS_RETURN_IF_ERROR(EmptyFolder(folder_));
  InputPaths paths;
  NS_ASSIGN_OR_RETURN(paths.model_path, Bring("model", task.spec.model, task.model_path, true));
  if (task.spec.dataset) {
    NS_ASSIGN_OR_RETURN(paths.dataset_path, Bring("dataset", task.spec.dataset->path, task.dataset_path, false));
    NS_ASSIGN_OR_RETURN(paths.calibration_path, Bring("calibration", task.spec.dataset->calibration_path, task.calibration_path, false));
  }
  if (IsAddress(task.spec.script_url)) {
    NS_ASSIGN_OR_RETURN(paths.script_path, Fetch("script", task.spec.script_url));
  }
  return WriteFileAtomic(folder_ / "inputs.json", InputPathsToJson(paths));
}

bool ReadNumber(const std::string& text, uint64_t* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

Result<FetchInputsOptions> ParseCommand(int argc, char** argv) {
  FetchInputsOptions options;
  options.hub = HubSettingsFromEnvironment();
  for (int at = 2; at + 1 < argc; at += 2) {
    std::string name = argv[at], value = argv[at + 1];
    bool good = true;
    if (name == "--task-folder") {
      options.task_folder = value;
    } else if (name == "--cache") {
      options.cache_folder = value;
    } else if (name == "--cache-bytes") {
      good = ReadNumber(value, &options.cache_bytes);
    } else if (name == "--hub-cache-bytes") {
      good = ReadNumber(value, &options.hub_cache_bytes);
    } else if (name == "--max-bytes") {
      good = ReadNumber(value, &options.fetch.max_bytes);
    } else if (name == "--allow") {
      if (value == "private") {
        options.fetch.rules.allow_private = true;
      } else {
        NS_ASSIGN_OR_RETURN(options.fetch.rules.allowed, ParseCidrBlocks(value));
      }
    } else if (name == "--proxy") {
      options.fetch.proxy = value;
    } else {
      good = false;
    }
    if (!good) return InvalidArgument(fmt::format("{} {}", name, value), "BAD_USAGE");
  }
  if (argc % 2 != 0 || options.task_folder.empty() || options.cache_folder.empty()) {
    return InvalidArgument("--task-folder and --cache are needed", "BAD_USAGE");
  }
  return options;
}

int ExitCodeOf(const Status& status, EventLog& events) {
  if (status.reason() == "DISK_FULL") return kDiskFullExitCode;
  if (MayPass(status) || status.code() == StatusCode::kInternal || status.code() == StatusCode::kUnknown) return kTryAgainExitCode;
  return events.Append(StateEvent{TaskState::kFailed, status.reason(), status.message(), 0}).ok() ? 2 : kDiskFullExitCode;
}

}  // namespace

Status FetchInputs(const FetchInputsOptions& options, EventLog& events) {
  try {
    return Bringer(options, events).Run();
  } catch (const fs::filesystem_error& error) {
    return ErrnoStatus(error.code().value(), error.what());
  }
}

std::vector<std::string> FetchInputsCommand(const std::string& program, const FetchInputsOptions& options) {
  std::vector<std::string> command = {program, "fetch-inputs", "--cache", options.cache_folder.string(), "--cache-bytes", std::to_string(options.cache_bytes),
                                      "--hub-cache-bytes", std::to_string(options.hub_cache_bytes), "--max-bytes", std::to_string(options.fetch.max_bytes)};
  if (options.fetch.rules.allow_private) command.insert(command.end(), {"--allow", "private"});
  if (!options.fetch.rules.allow_private && !options.fetch.rules.allowed.empty()) {
    command.insert(command.end(), {"--allow", CidrBlocksText(options.fetch.rules.allowed)});
  }
  if (!options.fetch.proxy.empty()) command.insert(command.end(), {"--proxy", options.fetch.proxy});
  return command;
}

int FetchInputsMain(int argc, char** argv) {
  auto options = ParseCommand(argc, argv);
  if (!options.ok()) return std::fprintf(stderr, "neural_solution fetch-inputs: %s\n", options.status().message().c_str()), 64;
  SystemClock clock;
  auto events = EventLog::Open(options->task_folder / kEventsFileName, clock);
  if (!events.ok()) return std::fprintf(stderr, "neural_solution: %s\n", events.status().message().c_str()), kTryAgainExitCode;
  Status status = FetchInputs(*options, **events);
  if (status.ok()) return 0;
  std::fprintf(stderr, "neural_solution: %s\n", status.message().c_str());
  return ExitCodeOf(status, **events);
}

}  // namespace ns
