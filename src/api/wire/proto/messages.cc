#include "api/wire/proto/messages.h"

namespace ns {

namespace {

constexpr int64_t kFirstSecond = -62'135'596'800, kLastSecond = 253'402'300'799;  // years 1 to 9999

void Fill(const StateEvent& event, pb::TaskEvent* out) {
  pb::StateEvent* state = out->mutable_state();
  state->set_state(std::string(TaskStateName(event.state)));
  state->set_reason(event.reason);
  state->set_message(event.message);
  state->set_attempt(event.attempt);
}

void Fill(const StageEvent& event, pb::TaskEvent* out) { out->mutable_stage()->set_stage(event.stage); }

void Fill(const ProgressEvent& event, pb::TaskEvent* out) {
  pb::ProgressEvent* progress = out->mutable_progress();
  progress->set_stage(event.stage);
  progress->set_done(event.done);
  progress->set_total(event.total);
  if (event.seconds_left) progress->set_seconds_left(*event.seconds_left);
}

void FillEstimate(const EstimateEvent& event, pb::EstimateEvent* estimate) {
  estimate->set_seconds(event.seconds);
  estimate->set_memory_bytes(event.memory_bytes);
}

void Fill(const EstimateEvent& event, pb::TaskEvent* out) { FillEstimate(event, out->mutable_estimate()); }

void Fill(const WorkersEvent& event, pb::TaskEvent* out) {
  out->mutable_workers()->set_useful(event.useful);
  out->mutable_workers()->set_joined(event.joined);
}

void Fill(const NoteEvent& event, pb::TaskEvent* out) {
  out->mutable_note()->set_text(event.text);
  out->mutable_note()->set_warning(event.warning);
}

void FillTrial(const TrialEvent& event, pb::TrialEvent* trial) {
  trial->set_index(event.index);
  trial->set_configuration(event.configuration);
  trial->set_metric(event.metric);
  trial->set_accuracy(event.accuracy);
  trial->set_duration_seconds(event.duration_seconds);
  if (event.latency_ms) trial->set_latency_ms(*event.latency_ms);
  if (event.size_bytes) trial->set_size_bytes(*event.size_bytes);
  trial->set_meets_criterion(event.meets_criterion);
  trial->set_best(event.best);
}

void FillResult(const ResultEvent& event, pb::ResultEvent* result) {
  result->set_goal_met(event.goal_met);
  result->set_verdict(event.verdict);
  result->set_metric(event.metric);
  result->set_accuracy(event.accuracy);
  result->set_duration_seconds(event.duration_seconds);
  result->set_optimization_seconds(event.optimization_seconds);
}

void Fill(const TrialEvent& event, pb::TaskEvent* out) { FillTrial(event, out->mutable_trial()); }
void Fill(const ResultEvent& event, pb::TaskEvent* out) { FillResult(event, out->mutable_result()); }

template <typename Message>
void FillTimes(const std::optional<WallTime>& submitted, const std::optional<WallTime>& started, const std::optional<WallTime>& ended,
               Message* out) {
  if (submitted) FillTime(*submitted, out->mutable_submitted());
  if (started) FillTime(*started, out->mutable_started());
  if (ended) FillTime(*ended, out->mutable_ended());
}

void FillWorkers(const StatusAnswer& answer, pb::TaskWorkers* out) {
  out->set_asked(answer.workers);
  out->set_now(answer.workers_now);
  out->set_most(answer.workers_most);
  out->set_note(answer.workers_note);
  if (!answer.progress.workers) return;
  out->set_useful(answer.progress.workers->useful);
  out->set_joined(answer.progress.workers->joined);
}

void FillAttempt(const StatusAnswer::Attempt& attempt, pb::TaskAttempt* out) {
  out->set_attempt(attempt.attempt);
  if (attempt.started) FillTime(*attempt.started, out->mutable_started());
  if (attempt.ended) FillTime(*attempt.ended, out->mutable_ended());
  out->set_outcome(attempt.outcome);
}

void FillWebhook(const WebhookStatus& webhook, pb::WebhookDelivery* out) {
  out->set_state(webhook.state);
  out->set_tries(webhook.tries);
  if (webhook.next) FillTime(*webhook.next, out->mutable_next());
  if (webhook.delivered) FillTime(*webhook.delivered, out->mutable_delivered());
  out->set_last_error(webhook.last_error);
}

// What runs where, and what was tried.
void FillCourse(const StatusAnswer& answer, pb::TaskDetails* out) {
  if (answer.workers > 0 || answer.progress.workers) FillWorkers(answer, out->mutable_workers());
  for (const StatusAnswer::Where& where : answer.where) {
    pb::WorkerPlace* place = out->add_where();
    place->set_worker(where.worker);
    place->set_node(where.node);
    place->set_note(where.note);
  }
  if (answer.progress.estimate) FillEstimate(*answer.progress.estimate, out->mutable_estimate());
  out->set_note(answer.progress.note);
  for (const StatusAnswer::Attempt& attempt : answer.attempts) FillAttempt(attempt, out->add_attempts());
  if (answer.webhook) FillWebhook(*answer.webhook, out->mutable_webhook());
}

void FillDetails(const StatusAnswer& answer, pb::TaskDetails* out) {
  out->set_name(answer.name);
  out->set_reason(answer.reason);
  out->set_message(answer.message);
  out->set_attempt(answer.attempt);
  if (answer.ahead >= 0) out->set_ahead(answer.ahead);
  out->set_stage(answer.progress.stage);
  out->set_stage_done(answer.progress.done);
  out->set_stage_total(answer.progress.total);
  if (answer.progress.seconds_left) out->set_seconds_left(*answer.progress.seconds_left);
  if (answer.progress.baseline) FillTrial(*answer.progress.baseline, out->mutable_baseline());
  if (answer.progress.best) FillTrial(*answer.progress.best, out->mutable_best());
  if (answer.result) FillResult(*answer.result, out->mutable_result());
  FillTimes(answer.submitted, answer.started, answer.ended, out);
  FillCourse(answer, out);
}

}  // namespace

std::optional<WallTime> ToWallTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() < kFirstSecond || time.seconds() > kLastSecond || time.nanos() < 0 || time.nanos() > 999'999'999) return std::nullopt;
  return WallTime(std::chrono::seconds(time.seconds()) + std::chrono::microseconds(time.nanos() / 1000));
}

void FillTime(WallTime time, google::protobuf::Timestamp* out) {
  auto second = std::chrono::floor<std::chrono::seconds>(time);
  out->set_seconds(second.time_since_epoch().count());
  out->set_nanos(static_cast<int32_t>((time - second).count() * 1000));
}

void FillTaskStatus(const StatusAnswer& answer, pb::TaskStatus* out) {
  out->set_status(std::string(TaskStateName(answer.state)));
  out->set_optimized_result(answer.result ? OptimizedResultJson(*answer.result) : "{}");
  out->set_result_path(answer.result_path);
}

void FillTaskResult(const StatusAnswer& answer, pb::ResponseTaskResult* out) {
  out->set_status(std::string(TaskStateName(answer.state)));
  out->set_tuning_information(TuningInfoJson(answer));
  out->set_optimization_result(answer.result ? OptimizedResultJson(*answer.result) : "{}");
  FillDetails(answer, out->mutable_details());
}

void FillSummary(const TaskSummary& task, pb::TaskSummary* out) {
  out->set_task_id(task.id);
  out->set_order(task.order);
  out->set_status(std::string(TaskStateName(task.state)));
  out->set_priority(task.priority);
  out->set_name(task.name);
  TaskSubject subject = SubjectOf(task);
  out->set_model(subject.model);
  out->set_script_url(subject.script_url);
  for (const auto& [name, value] : subject.labels) (*out->mutable_labels())[name] = value;
  out->set_reason(task.reason);
  out->set_message(task.message);
  out->set_optimized_result(task.result_json);
  out->set_result_path(task.result_path);
  FillTimes(task.submitted, task.started, task.ended, out);
}

void FillCluster(const std::vector<NodeView>& nodes, pb::Cluster* out) {
  for (const NodeView& view : nodes) {
    pb::Node* node = out->add_nodes();
    node->set_id(view.id);
    node->set_name(view.spec.name);
    node->set_info(NodeInfo(view));
    node->set_status(NodeStatus(view));
    node->set_free_slots(view.free);
    node->set_busy_slots(view.busy);
    node->set_total_slots(view.free + view.busy);
  }
}

void FillEvent(const TaskEvent& event, pb::TaskEvent* out) {
  out->set_seq(event.seq);
  FillTime(event.time, out->mutable_time());
  std::visit([out](const auto& payload) { Fill(payload, out); }, event.payload);
}

}  // namespace ns
