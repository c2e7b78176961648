#include <cstdio>
#include <iostream>
#include <iterator>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/local_plan.h"
#include "cli/submit_options.h"
#include "cli/wait.h"
#include "client/uploader.h"
#include "tasks/task_spec_codec.h"

namespace ns {

namespace {

struct SubmitOptions {
  ServiceTarget target;
  std::string file;  // a request file, "-": standard input
  std::deque<RequestOption> request = RequestOptions();
  bool dry_run = false, wait = false, upload = false;
};

// A service of another machine does not see our files: what is there under the given name is sent to it, as --upload asks for anyhow.
Status UploadInputs(const ApiClient& client, SubmitOptions* options) {
  std::string host = client.base_url();
  host.erase(0, host.find("://") == std::string::npos ? 0 : host.find("://") + 3);
  host = host.substr(0, host.find_first_of("/:", host.starts_with('[') ? host.find(']') : 0));
  bool own = host == "127.0.0.1" || host == "localhost" || host == "[::1]";
  if (own && !options->upload) return OkStatus();
  UploadOptions upload;
  upload.log = [](const std::string& line) { std::fprintf(stderr, "neural_solution: %s\n", line.c_str()); };
  for (RequestOption* option : FileOptions(&options->request)) {
    std::error_code error;
    if (option->text.empty() || !std::filesystem::exists(option->text, error)) continue;
    NS_ASSIGN_OR_RETURN(StoredFile file, UploadPath(client, option->text, upload));
    option->text = "upload:" + file.id;
  }
  return OkStatus();
}

// The request file with what the options say over it.
Result<std::string> RequestText(const SubmitOptions& options) {
  std::vector<RequestField> fields = GivenFields(options.request);
  if (options.file.empty() && fields.empty()) {
    return InvalidArgument("give a request file, --model and --dataset, or --script and --optimized", "NOTHING_TO_SUBMIT");
  }
  std::string text;
  if (options.file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else if (!options.file.empty()) {
    NS_ASSIGN_OR_RETURN(text, ReadFile(options.file, 16 << 20));
  }
  return fields.empty() ? Result<std::string>(std::move(text)) : SetRequestFields(text, fields);
}

// A service takes paths below its own folder; one that is there for us, but not for it, is a common slip.
Status NothingSent(SubmitOptions& options, const Status& refusal) {
  std::error_code ignored;
  for (const RequestOption* option : FileOptions(&options.request)) {
    if (refusal.code() != StatusCode::kInvalidArgument || options.upload || !std::filesystem::exists(option->text, ignored)) continue;
    return InvalidArgument(fmt::format("{}; '{}' is here: --upload sends it", refusal.message(), option->text));
  }
  return refusal;
}

// The request as JSON on standard output; what it would do and take, where its files are here, on standard error.
int ShowPlan(const TaskSpec& spec) {
  std::printf("%s\n", TaskSpecToJson(spec).c_str());
  auto plan = LocalPlan(spec);
  if (!plan.ok()) return Fail(plan.status());
  if (*plan) std::fputs((*plan)->c_str(), stderr);
  return 0;
}

int Submit(SubmitOptions options) {
  ApiClient client = Connect(options.target);
  if (!options.dry_run) {
    if (Status status = UploadInputs(client, &options); !status.ok()) return Fail(status);
  }
  auto request = RequestText(options);
  if (!request.ok()) return Fail(request.status()), 2;
  ParsedTaskSpec parsed = ParseTaskSpec(*request);
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) return Fail(InvalidArgument(FieldErrorsToText(*errors)));
  if (options.dry_run) return ShowPlan(std::get<TaskSpec>(parsed));
  auto id = client.Submit(*request);
  if (!id.ok()) return Fail(NothingSent(options, id.status()));
  if (!options.wait || !options.target.json) {
    std::printf("%s\n", options.target.json ? SubmitAnswerJson(*id).c_str() : id->c_str());
    std::fflush(stdout);
  }
  return options.wait ? WaitForTask(client, *id, options.target.json) : 0;
}

}  // namespace

void AddSubmit(CommandLine& line) {
  auto o = std::make_shared<SubmitOptions>();
  Command command = line.Add("submit", "Submit a task: a request file, options, or both; prints the task's id", "Tasks");
  command.Option("request", &o->file, "JSON file with the request; - for standard input. Options go before what it says");
  AddRequestOptions(command, &o->request);
  command.Flag("--dry-run", &o->dry_run, "Check the request and print it, submit nothing; where model and data are here, say what it would take")
      .Flag("--upload", &o->upload, "Send the files that the options name to the service first; done anyhow for a service of another machine")
      .Flag("--wait", &o->wait, "Follow the task to its end");
  AddTarget(command, &o->target);
  command.Runs([o] { return Submit(*o); });
}

}  // namespace ns
