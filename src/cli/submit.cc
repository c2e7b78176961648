#include <cstdio>
#include <iostream>
#include <iterator>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/wait.h"
#include "client/uploader.h"
#include "tasks/task_spec_codec.h"

namespace ns {

namespace {

struct SubmitOptions {
  ServiceTarget target;
  std::string file;  // a request file, "-": standard input
  std::string model, dataset, calibration, metric, approach, name, idempotency_key;
  double tolerable_loss = 0.01, timeout = 0;
  int workers = 1, priority = 2;
  bool dry_run = false, wait = false, upload = false;
};

// A service of another machine does not see our files: what is there under the given name is sent to it, as --upload asks for anyhow.
Status UploadInputs(const ApiClient& client, SubmitOptions* options) {
  std::string host = client.base_url();
  bool own = host.find("://127.0.0.1") != std::string::npos || host.find("://localhost") != std::string::npos || host.find("://[::1]") != std::string::npos;
  if (own && !options->upload) return OkStatus();
  UploadOptions upload;
  upload.log = [](const std::string& line) { std::fprintf(stderr, "neural_solution: %s\n", line.c_str()); };
  for (std::string* path : {&options->model, &options->dataset, &options->calibration}) {
    std::error_code error;
    if (path->empty() || !std::filesystem::exists(*path, error)) continue;
    NS_ASSIGN_OR_RETURN(StoredFile file, UploadPath(client, *path, upload));
    *path = "upload:" + file.id;
  }
  return OkStatus();
}

TaskSpec FromFlags(const SubmitOptions& options) {
  TaskSpec spec;
  spec.model = options.model;
  if (!options.dataset.empty()) {
    spec.dataset.emplace();
    spec.dataset->path = options.dataset;
    spec.dataset->calibration_path = options.calibration;  // a row range reads the same there
  }
  if (!options.metric.empty()) spec.metrics.push_back({options.metric, {}, {}});
  if (options.approach == "static") spec.approach = Approach::kStatic;
  if (options.approach == "dynamic") spec.approach = Approach::kDynamic;
  spec.accuracy_criterion.tolerable_loss = options.tolerable_loss;
  spec.tuning.timeout_seconds = options.timeout;
  spec.workers = options.workers;
  spec.priority = options.priority;
  spec.name = options.name;
  spec.idempotency_key = options.idempotency_key;
  return spec;
}

Result<std::string> RequestText(const SubmitOptions& options) {
  if (options.file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  if (!options.file.empty()) return ReadFile(options.file, 16 << 20);
  if (options.model.empty()) return InvalidArgument("give a request file, or --model and --dataset", "NOTHING_TO_SUBMIT");
  return TaskSpecToJson(FromFlags(options));
}

int Submit(SubmitOptions options) {
  ApiClient client = Connect(options.target);
  if (!options.dry_run && options.file.empty()) {
    if (Status status = UploadInputs(client, &options); !status.ok()) return Fail(status);
  }
  auto request = RequestText(options);
  if (!request.ok()) return Fail(request.status()), 2;
  ParsedTaskSpec parsed = ParseTaskSpec(*request);
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) return Fail(InvalidArgument(FieldErrorsToText(*errors)));
  if (options.dry_run) return std::printf("%s\n", TaskSpecToJson(std::get<TaskSpec>(parsed)).c_str()), 0;
  auto id = client.Submit(*request);
  if (!id.ok()) return Fail(id.status());
  if (!options.wait || !options.target.json) {
    std::printf("%s\n", options.target.json ? SubmitAnswerJson(*id).c_str() : id->c_str());
    std::fflush(stdout);
  }
  return options.wait ? WaitForTask(client, *id, options.target.json) : 0;
}

}  // namespace

void AddSubmit(CommandLine& line) {
  auto o = std::make_shared<SubmitOptions>();
  Command command = line.Add("submit", "Submit a task: a request file, or flags; prints the task's id", "Tasks");
  command.Option("request", &o->file, "JSON file with the request; - for standard input")
      .Option("--model", &o->model, ".onnx file or Hugging Face folder: below the service's --upload_path, an address, or upload:<id>")
      .Option("--dataset,--data", &o->dataset, "Rows to evaluate with, given as the model")
      .Option("--calibration", &o->calibration, "Rows to calibrate with: a path, or a range such as 0:200")
      .Option("--metric", &o->metric, "accuracy, f1, mse, ...")
      .Choice("--approach", &o->approach, {"auto", "static", "dynamic"}, "Kind of quantization (default: auto)")
      .Option("--tolerable-loss,--tolerable_loss", &o->tolerable_loss, "Largest accepted loss, relative to the baseline")
      .Option("--timeout", &o->timeout, "Seconds the tuning may take; 0: any")
      .Option("--workers", &o->workers, "Workers that tune side by side", 1, 10'000)
      .Option("--priority", &o->priority, "1 (highest) to 3", 1, 3)
      .Option("--name", &o->name, "Name to find the task by")
      .Option("--idempotency-key,--idempotency_key", &o->idempotency_key, "The same key again returns the same task")
      .Flag("--dry-run,--dry_run", &o->dry_run, "Check the request and print it, submit nothing")
      .Flag("--upload", &o->upload, "Send the files that the options name to the service first; done anyhow for a service of another machine")
      .Flag("--wait", &o->wait, "Follow the task to its end");
  AddTarget(command, &o->target);
  command.Runs([o] { return Submit(*o); });
}

}  // namespace ns
