#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/file.h"
#include "base/subprocess.h"
#include "cli/commands.h"
#include "tasks/answers.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr auto kTellEvery = std::chrono::seconds(5);

// Waits until the new process has said how it went. For as long as it lives: to bring a large store to a new version, and to take up what an earlier
// service left, may take minutes, and would begin anew each time if it were ended.
Result<ServeRecord> AwaitReport(const fs::path& report, const ProcessId& child, const fs::path& log) {
  auto begin = std::chrono::steady_clock::now(), told = begin;
  while (true) {
    auto exit = TryWaitChild(child.pid);
    bool ended = exit.ok() && exit->has_value();
    if (auto text = ReadFile(report); text.ok()) return ParseServeRecord(*text);
    if (ended) return Internal(fmt::format("the service ended at once ({}); see '{}'", (*exit)->ToString(), log.string()));
    if (auto now = std::chrono::steady_clock::now(); now - told >= kTellEvery) {
      told = now;
      std::fprintf(stderr, "The service (pid %d) has been starting for %.0f s; '%s' says what it does.\n", static_cast<int>(child.pid),
                   std::chrono::duration<double>(now - begin).count(), log.c_str());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void PrintStarted(const ServeOptions& options, ServeRecord record, const ProcessId& service, bool json) {
  if (json) {
    record.pid = service.pid;
    record.start_ticks = service.start_ticks;
    std::printf("%s", ServeRecordJson(record).c_str());
    return;
  }
  std::printf("Neural Solution started (pid %d).\n", static_cast<int>(service.pid));
  if (options.api_type != "grpc") std::printf("  REST API   %s\n", record.rest_url.c_str());
  if (options.api_type != "restful") {
    std::printf("  gRPC API   %s%s\n", record.grpc_address.c_str(), record.note.empty() ? "" : (" (" + record.note + ")").c_str());
  }
  bool moved = options.task_monitor_port != 0 && !record.monitor_url.ends_with(fmt::format(":{}", options.task_monitor_port));
  std::string note = moved ? fmt::format(" (port {} is in use; --task_monitor_port chooses)", options.task_monitor_port) : "";
  std::printf("  metrics    %s/metrics%s\n", record.monitor_url.c_str(), note.c_str());
  std::printf("  workspace  %s\n", fs::absolute(options.workspace).lexically_normal().c_str());
  std::error_code ignored;
  if (!fs::is_directory(options.upload_path, ignored)) {
    std::fflush(stdout);
    std::fprintf(stderr, "There is no folder '%s': requests can't name models and data by path; --upload_path chooses another, submit --upload sends files.\n",
                 options.upload_path.c_str());
  }
}

// `arguments`: the options that were given.
int Start(ServeOptions options, const std::vector<std::string>& arguments, bool json) {
  if (Status status = CheckServeOptions(options); !status.ok()) return Fail(status), 2;
  fs::path logs = fs::path(options.workspace) / "serve_log";
  std::error_code error;
  fs::create_directories(logs, error);
  if (error) return Fail(ErrnoStatus(error.value(), fmt::format("cannot make the workspace '{}'", options.workspace))), 2;
  auto folder = TempDir::Create("neural_solution_start_");
  auto program = ThisProgram();
  if (!folder.ok()) return Fail(folder.status());
  if (!program.ok()) return Fail(program.status());

  options.start_report = (folder->path() / "report.json").string();
  SpawnOptions spawn;
  spawn.argv = {program->string(), "serve"};
  for (const std::string& argument : arguments) spawn.argv.push_back(argument);
  spawn.argv.push_back("--start_report=" + options.start_report);
  spawn.new_session = true;
  spawn.stdout_file = spawn.stderr_file = logs / "backend.log";
  auto child = Spawn(spawn);
  if (!child.ok()) return Fail(child.status());
  auto record = AwaitReport(options.start_report, *child, logs / "backend.log");
  if (!record.ok()) return Fail(record.status()), 2;
  if (!record->error.empty()) {
    (void)WaitChild(child->pid);
    std::fprintf(stderr, "neural_solution: %s\n", record->error.c_str());
    return 2;
  }
  PrintStarted(options, *record, *child, json);
  return 0;
}

}  // namespace

void AddStart(CommandLine& line) {
  auto options = std::make_shared<ServeOptions>();
  auto json = std::make_shared<bool>(false);
  Command command = line.Add("start", "Start the service in the background", "Service");
  AddServeOptions(command, options.get());
  command.Flag("--json", json.get(), "Print JSON");
  command.Runs([options, json, command] {
    for (const std::string& name : command.GivenNames()) options->given.insert(name);
    std::vector<std::string> arguments = command.GivenArguments();
    std::erase_if(arguments, [](const std::string& argument) { return argument.starts_with("--json="); });
    return Start(*options, arguments, *json);
  });
}

}  // namespace ns
