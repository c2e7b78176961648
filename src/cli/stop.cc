#include <signal.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "base/file.h"
#include "base/subprocess.h"
#include "cli/commands.h"
#include "tasks/answers.h"

namespace ns {

namespace {

struct StopOptions {
  std::string workspace = "./ns_workspace";
  bool now = false, json = false;
  double grace = 30;
};

bool EndsWithin(const ProcessId& process, double seconds) {
  auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (IsRunning(process)) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

int Stopped(const StopOptions& options, bool drained) {
  std::printf("%s\n", options.json ? StoppedJson(drained).c_str() : "Neural Solution stopped.");
  return 0;
}

int Stop(const StopOptions& options) {
  auto text = ReadFile(std::filesystem::path(options.workspace) / "serve.json");
  auto record = text.ok() ? ParseServeRecord(*text) : Result<ServeRecord>(text.status());
  ProcessId service = record.ok() ? ProcessId{record->pid, record->start_ticks} : ProcessId{};
  if (service.pid <= 1 || !IsRunning(service)) {
    return Fail(NotFound(fmt::format("no service runs on the workspace '{}'; --workspace names another", options.workspace)));
  }
  // SIGUSR1: start nothing more and end when the running tasks have ended. SIGINT: end them too; they run again after the next start.
  if (!options.now) {
    if (Status status = SignalProcess(service, SIGUSR1); !status.ok()) return Fail(status);
    if (EndsWithin(service, options.grace)) return Stopped(options, /*drained=*/true);
    std::fprintf(stderr, "Tasks still run after %g s: they are ended and run again after the next start.\n", options.grace);
  }
  if (Status status = SignalProcess(service, SIGINT); !status.ok() && IsRunning(service)) return Fail(status);
  if (EndsWithin(service, 20)) return Stopped(options, /*drained=*/false);
  return Fail(Unavailable(fmt::format("the service (pid {}) does not end; see '{}/serve_log/backend.log'", service.pid, options.workspace)));
}

}  // namespace

void AddStop(CommandLine& line) {
  auto options = std::make_shared<StopOptions>();
  Command command = line.Add("stop", "Stop the service of a workspace", "Service");
  command.Option("--workspace", &options->workspace, "Workspace of the service")
      .Configurable({"workspace"})
      .Flag("--now", &options->now, "Do not wait for running tasks: they run again after the next start")
      .Option("--grace", &options->grace, "Seconds to wait for running tasks")
      .Flag("--json", &options->json, "Print JSON");
  command.Runs([options] { return Stop(*options); });
}

}  // namespace ns
