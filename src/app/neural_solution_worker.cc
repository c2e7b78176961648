// neural_solution_worker: the optimizer as a program. The service starts `lead`, people use the rest (as
// `neural_solution optimize ...`).
//
// Exit codes: 0 an answer was given, 1 it failed, 2 bad usage or input, 28 (lead) the disk is full, 130 interrupted.

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <new>
#include <thread>

#include "app/hub_models.h"
#include "app/neural_solution_worker_options.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/subprocess.h"
#include "huggingface/architectures/build_onnx.h"
#include "tasks/process_files.h"
#include "worker/diagnose.h"
#include "worker/inspect.h"
#include "worker/lead.h"
#include "worker/memory_probe.h"
#include "worker/summary.h"
#include "worker/team/assistant.h"
#include "worker/team/local_assistants.h"
#include "worker/views/json_view.h"
#include "worker/views/line_view.h"
#include "worker/views/terminal_view.h"

namespace ns {
namespace {

constexpr int kFailed = 1, kBadInput = 2, kInterrupted = 130;

int ExitCode(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return 0;
    case StatusCode::kCancelled:
      return kInterrupted;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kPermissionDenied:
    case StatusCode::kOutOfRange:
    case StatusCode::kFailedPrecondition:
      return kBadInput;
    default:
      return kFailed;
  }
}

// Libraries put line breaks into their messages; ours is one line.
std::string OneLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return Printable(text);
}

int Fail(const Status& status) {
  if (status.code() == StatusCode::kCancelled) {
    bool kept = status.reason() == "STOPPED" && status.message() != "stopped";
    fmt::print(stderr, "{}\n", kept ? Printable(status.message()) : "interrupted; nothing was written");
  } else {
    fmt::print(stderr, "error: {}\n", OneLine(status.message()));
  }
  return ExitCode(status);
}

// Turns SIGINT and SIGTERM into a stop. Work that does not stop in time (a library call that cannot be interrupted) is
// cut off: what it has under way is deleted and the process ends. While there is a best model to be written it may take
// a minute, or until a second signal. Once the result is in its place, a signal is ignored.
class SignalWatch {
 public:
  // Signals are blocked in all threads made after this; make it first.
  explicit SignalWatch(ScratchFolders& scratch) : scratch_(scratch) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    thread_ = std::jthread([this](std::stop_token ended) { Watch(ended); });
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  static constexpr std::chrono::milliseconds kGrace{600}, kLongGrace{60'000};

  void Watch(std::stop_token ended) {
    const timespec tick{0, 50'000'000};
    while (!ended.stop_requested()) {
      if (::sigtimedwait(&signals_, nullptr, &tick) < 0) continue;
      source_.request_stop();
      // By the clock: on a busy machine a short sleep may take several times as long.
      auto start = std::chrono::steady_clock::now();
      bool again = false;
      while (!again && std::chrono::steady_clock::now() - start < (scratch_.expects_result() ? kLongGrace : kGrace)) {
        if (ended.stop_requested()) return;
        const timespec moment{0, 10'000'000};
        again = ::sigtimedwait(&signals_, nullptr, &moment) > 0;
      }
      // With the result in its place, all that is left is to say so: a late signal takes nothing back.
      if (scratch_.DeleteAll()) continue;
      fmt::print(stderr, "\ninterrupted; nothing was written\n");
      std::fflush(stderr);
      ::_exit(kInterrupted);
    }
  }

  ScratchFolders& scratch_;
  sigset_t signals_{};
  std::stop_source source_;
  std::jthread thread_;
};

int TerminalColumns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::unique_ptr<EventSink> ViewFor(bool json, const Clock& clock) {
  if (json) return std::make_unique<JsonView>(stdout, clock);
  if (::isatty(STDERR_FILENO) != 0) return std::make_unique<TerminalView>(stderr, TerminalColumns());
  return std::make_unique<LineView>(stderr, clock);
}

// For commands whose progress nobody needs to see.
class NoView final : public EventSink {
 public:
  Status Send(const EventPayload&) override { return OkStatus(); }
};

struct Environment {
  const Clock& clock;
  std::stop_token stop;
  std::filesystem::path program;
  ScratchFolders& scratch;
};

Result<OptimizeOutcome> OptimizeWithTeam(const WorkerCommandLine& line, const Environment& environment, const WorkContext& context) {
  OptimizeOptions options = line.optimize;
  NS_ASSIGN_OR_RETURN(auto assistants, LocalAssistants::Start(line.lead.workers, environment.program, environment.scratch, &options));
  return Optimize(options, context);
}

int RunOptimize(WorkerCommandLine line, const Environment& environment) {
  Status brought = BringHubModels(environment.program, environment.stop, &line);
  auto view = ViewFor(line.json, environment.clock);
  WorkContext context{environment.clock, *view, environment.stop, environment.program, environment.scratch};
  auto outcome = brought.ok() ? OptimizeWithTeam(line, environment, context) : Result<OptimizeOutcome>(brought);
  if (!outcome.ok() && line.json) {
    (void)view->Send(StateEvent{TaskState::kFailed, outcome.status().reason(), outcome.status().message(), 0});
  }
  if (outcome.ok() && line.json && !line.optimize.dry_run) (void)view->Send(ResultEventOf(*outcome));
  view.reset();  // takes its bar off the terminal
  if (!outcome.ok()) return Fail(outcome.status());
  int code = outcome->interrupted ? kInterrupted : 0;
  if (line.json) return code;
  if (outcome->interrupted) fmt::print(stderr, "interrupted; the best so far was written\n");
  fmt::print("{}", line.optimize.dry_run ? outcome->plan : SummaryText(outcome->report, outcome->output));
  return code;
}

int RunLead(const WorkerCommandLine& line, const Environment& environment) {
  LineView view(stdout, environment.clock);
  WorkContext context{environment.clock, view, environment.stop, environment.program, environment.scratch};
  auto outcome = RunTask(line.task_folder, line.script, line.lead, context);
  if (!outcome.ok()) {
    int code = Fail(outcome.status());
    return outcome.status().reason() == "DISK_FULL" ? kDiskFullExitCode : code;
  }
  fmt::print("{}", outcome->text.empty() ? SummaryText(outcome->report, outcome->output) : outcome->text);
  return 0;
}

int RunAssist(const WorkerCommandLine& line, const Environment& environment) {
  EndWithParent(line.assist);
  auto say = [&](const std::string& text) {
    fmt::print("worker {}: {}\n", line.assist.worker, text);
    std::fflush(stdout);
  };
  Status status = Assist(line.assist, say, environment.stop);
  return status.ok() ? 0 : Fail(status);
}

int RunDiagnosis(const WorkerCommandLine& line, const Environment& environment) {
  std::unique_ptr<EventSink> view = std::make_unique<NoView>();
  if (!line.json) view = ViewFor(false, environment.clock);
  WorkContext context{environment.clock, *view, environment.stop, environment.program, environment.scratch};
  auto diagnosis = Diagnose(line.optimize, context);
  view.reset();
  if (!diagnosis.ok()) return Fail(diagnosis.status());
  Status written = line.html.empty() ? OkStatus() : WriteFileAtomic(line.html, DiagnosisHtml(*diagnosis));
  if (written.ok() && !line.svg.empty()) written = WriteFileAtomic(line.svg, DiagnosisSvg(*diagnosis));
  if (!written.ok()) return Fail(written);
  fmt::print("{}", line.json ? DiagnosisJson(*diagnosis) : DiagnosisText(*diagnosis, line.all ? diagnosis->operators.size() : 20));
  return 0;
}

int RunInspect(WorkerCommandLine line, const Environment& environment) {
  if (Status brought = BringHubModels(environment.program, environment.stop, &line); !brought.ok()) return Fail(brought);
  if (!line.optimize.data.path.empty()) return RunDiagnosis(line, environment);
  auto inspection = Inspect(line.optimize.model, environment.stop);
  if (!inspection.ok()) return Fail(inspection.status());
  fmt::print("{}", line.json ? InspectionJson(*inspection) : InspectionText(*inspection));
  return 0;
}

int RunBenchmark(WorkerCommandLine line, const Environment& environment) {
  if (Status brought = BringHubModels(environment.program, environment.stop, &line); !brought.ok()) return Fail(brought);
  NoView view;
  WorkContext context{environment.clock, view, environment.stop, environment.program, environment.scratch};
  auto outcome = Benchmark(line.benchmark, context);
  if (!outcome.ok()) return Fail(outcome.status());
  fmt::print("{}", line.json ? BenchmarkJson(*outcome) : BenchmarkText(*outcome));
  return 0;
}

int RunQuantize(WorkerCommandLine line, const Environment& environment) {
  if (Status brought = BringHubModels(environment.program, environment.stop, &line); !brought.ok()) return Fail(brought);
  auto view = std::make_unique<NoView>();
  WorkContext context{environment.clock, *view, environment.stop, environment.program, environment.scratch};
  auto outcome = QuantizeOnce(line.quantize, context);
  if (!outcome.ok()) return Fail(outcome.status());
  fmt::print("{}", line.json ? QuantizeOnceJson(*outcome) : QuantizeOnceText(*outcome));
  return 0;
}

int RunExport(const WorkerCommandLine& line) {
  std::filesystem::path file = line.export_to.empty() ? line.exported / "onnx" / "model.onnx" : line.export_to;
  std::error_code error;
  if (!line.force && std::filesystem::exists(file, error)) {
    return Fail(Status(StatusCode::kAlreadyExists, fmt::format("'{}' is there already: --force replaces it", file.string()), "OUTPUT_EXISTS"));
  }
  auto built = BuildOnnx(line.exported);
  if (!built.ok()) return Fail(built.status());
  if (line.export_to.empty()) std::filesystem::create_directories(file.parent_path(), error);
  if (error) return Fail(ErrnoStatus(error.value(), fmt::format("cannot make '{}'", file.parent_path().string())));
  if (Status saved = built->model.Save(file); !saved.ok()) return Fail(saved);
  for (const std::string& note : built->notes) fmt::print("{}\n", Printable(note));
  fmt::print("written: {}\n", Printable(file.string()));
  return 0;
}

int RunMeasureMemory(const WorkerCommandLine& line) {
  auto peak = RunForPeakMemory(line.measured, line.shapes, line.threads);
  if (!peak.ok()) return Fail(peak.status());
  fmt::print("{}\n", *peak);
  return 0;
}

int Main(int argc, char** argv) {
  ScratchFolders scratch;
  SignalWatch signals(scratch);
  auto line = ParseWorkerCommandLine(argc, argv);
  if (!line.ok()) return Fail(line.status());
  auto program = ThisProgram();
  if (!program.ok()) return Fail(program.status());
  SystemClock clock;
  Environment environment{clock, signals.token(), *program, scratch};
  switch (line->command) {
    case WorkerCommand::kHelp:
      fmt::print("{}", line->help);
      return 0;
    case WorkerCommand::kOptimize:
      return RunOptimize(*line, environment);
    case WorkerCommand::kLead:
      return RunLead(*line, environment);
    case WorkerCommand::kAssist:
      return RunAssist(*line, environment);
    case WorkerCommand::kInspect:
      return RunInspect(*line, environment);
    case WorkerCommand::kBenchmark:
      return RunBenchmark(*line, environment);
    case WorkerCommand::kQuantize:
      return RunQuantize(*line, environment);
    case WorkerCommand::kExport:
      return RunExport(*line);
    case WorkerCommand::kMeasureMemory:
      return RunMeasureMemory(*line);
  }
  return kFailed;
}

}  // namespace
}  // namespace ns

// What no folder caught is told in one line, too: a signal would look like a crash, and the attempt be made once more.
int main(int argc, char** argv) {
  try {
    return ns::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    return ns::Fail(ns::ResourceExhausted("out of memory", "OUT_OF_MEMORY"));
  } catch (const std::exception& error) {
    return ns::Fail(ns::Internal(error.what()));
  }
}
