#include "worker/lead.h"

#include "base/file.h"
#include "tasks/event_log.h"
#include "tasks/keeping_file.h"
#include "tasks/task_inputs.h"

namespace ns {

namespace {

// To the journal, then to whoever else listens.
class JournalSink final : public EventSink {
 public:
  JournalSink(EventLog& journal, EventSink& next) : journal_(journal), next_(next) {}
  Status Send(const EventPayload& event) override {
    NS_RETURN_IF_ERROR(journal_.Append(event));
    return next_.Send(event);
  }

 private:
  EventLog& journal_;
  EventSink& next_;
};

std::optional<double> SecondsTo(const std::optional<WallTime>& deadline, const Clock& clock) {
  if (!deadline) return std::nullopt;
  return std::chrono::duration<double>(*deadline - clock.wall()).count();
}

Result<OptimizeOutcome> RunWith(const TaskFile& task, const ScriptSetup& setup, const LeadOptions& lead, const WorkContext& context) {
  if (!task.spec.script_url.empty()) return RunScript(task, setup, context);
  NS_ASSIGN_OR_RETURN(OptimizeOptions options, OptionsFromTask(task, SecondsTo(task.deadline, context.clock)));
  options.lead = lead;
  options.lead.workers = task.spec.workers;
  return Optimize(options, context);
}

}  // namespace

ResultEvent ResultEventOf(const OptimizeOutcome& outcome) {
  ResultEvent event;
  event.goal_met = outcome.report.goal_met;
  event.verdict = outcome.report.verdict;
  const auto& metrics = outcome.report.optimized.metric;
  // The first one asked for, as in the trials' events.
  auto metric = outcome.report.goals.empty() ? metrics.begin() : metrics.find(outcome.report.goals[0].metric);
  if (metric != metrics.end()) {
    event.metric = metric->first;
    event.accuracy = metric->second;
  }
  event.duration_seconds = outcome.evaluation_seconds;
  event.optimization_seconds = outcome.report.elapsed_seconds.at("total");
  return event;
}

Result<OptimizeOutcome> RunTask(const std::filesystem::path& task_folder, const ScriptSetup& setup, const LeadOptions& lead, const WorkContext& context) {
  NS_ASSIGN_OR_RETURN(TaskFile task, ReadTaskFile(task_folder));
  NS_ASSIGN_OR_RETURN(auto journal, EventLog::Open(task.events_file, context.clock));
  JournalSink sink(*journal, context.events);
  WorkContext inner{context.clock, sink, context.stop, context.program, context.scratch};
  // One of an earlier attempt would let its supervisor wait in vain.
  std::filesystem::path mark = task.output_folder.parent_path() / kKeepingFileName;
  std::error_code ignored;
  std::filesystem::remove(mark, ignored);
  context.scratch.MarkExpectedResult(mark);
  auto outcome = RunWith(task, setup, lead, inner);
  std::filesystem::remove(mark, ignored);
  if (outcome.ok() && outcome->interrupted) return Cancelled("stopped; the best so far is kept");
  if (outcome.ok()) {
    NS_RETURN_IF_ERROR(sink.Send(ResultEventOf(*outcome)));
    return outcome;
  }
  // A stop is the service's own doing; it knows.
  Status status = outcome.status();
  if (status.code() != StatusCode::kCancelled) {
    Status told = sink.Send(StateEvent{TaskState::kFailed, status.reason(), status.message(), 0});
    // The exit code then says what the journal cannot.
    if (told.reason() == "DISK_FULL") return told.WithContext(status.message());
  }
  return status;
}

}  // namespace ns
