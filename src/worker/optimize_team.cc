#include <algorithm>

#include "worker/baseline_limit.h"
#include "worker/optimize_run.h"
#include "worker/team/team_spec.h"

namespace ns {

namespace {

constexpr double kShardSeconds = 1;    // of the baseline: as much as is worth a worker's time
constexpr int64_t kMostShards = 64;
constexpr double kOwnPart = 0.9;       // of what it may take at most: parts that do come back just before its end

}  // namespace

// What an assistant is told: enough to open the same inputs, to see that they are the same, and to take the same rows.
Status OptimizeRun::OpenTeam() {
  if (options_.lead.socket.empty()) return OkStatus();
  TeamSpec spec;
  spec.model = std::filesystem::absolute(options_.model);
  spec.data = options_.data;
  spec.data.path = std::filesystem::absolute(spec.data.path);
  if (data_->second) spec.data.calibration = std::filesystem::absolute(spec.data.calibration).string();
  spec.metrics = metrics_;
  for (const MetricRequest& metric : options_.metrics) {
    if (metric.name.empty()) continue;
    NS_ASSIGN_OR_RETURN(bool needs, MetricNeedsLabels(metric.name));
    spec.labels = spec.labels || needs;
  }
  spec.inputs = report_.inputs;
  spec.evaluation_rows = static_cast<int64_t>(data_->split.evaluation.size());
  told_rows_ = data_->split.evaluation.size();
  NS_ASSIGN_OR_RETURN(team_, TeamWorkforce::Start({options_.lead, TeamSpecToText(spec), NS_VERSION}, context_.clock, progress_, context_.stop));
  return OkStatus();
}

// Not where memory was short: BaselineHere() sees to that.
bool OptimizeRun::SharesBaseline(double expected_seconds) const {
  return team_ != nullptr && !evaluator_->compares_with_baseline() && expected_seconds > 2 * kShardSeconds && evaluator_->batches() > 1 &&
         marks_.Killed(kBaselineMark) == 0;
}

// In parts of about a second, each beginning of them evenly spread: whoever joins takes some of what is left, and what was done when the time is
// over stands for all.
Result<Evaluation> OptimizeRun::SharedBaseline(const Session& session, double expected_seconds) {
  ItemTools tools;
  tools.evaluator = &*evaluator_;
  tools.data = &*data_;
  tools.source = &source_->model;
  tools.threads = options_.threads;
  team_->Own().Equip(tools);
  int64_t batches = evaluator_->batches();
  int64_t shards = std::min({static_cast<int64_t>(expected_seconds / kShardSeconds), kMostShards, batches});
  BaselineLimit limit({batches, evaluator_->batch_size(), expected_seconds}, [this] { return SecondsLeft(); });
  bool limited = options_.tuning.stop.timeout_seconds > 0;
  for (size_t place : SpreadOrder(static_cast<size_t>(shards))) {
    auto shard = static_cast<int64_t>(place);
    int64_t begin = batches * shard / shards, end = batches * (shard + 1) / shards;
    team_->Begin(shard + 1, BaselineShard{begin, end - begin, limited ? kOwnPart * limit.allowed_seconds() : 0}, Workforce::When::kNow);
  }
  std::vector<EvaluationPart> parts;
  Status failed;
  double done = 0;
  auto over = [&] { return limited && !parts.empty() && limit.over(); };
  while (static_cast<int64_t>(parts.size()) < shards && failed.ok() && !over()) {
    NS_ASSIGN_OR_RETURN(auto ended, team_->Wait());
    if (!ended) continue;
    failed = ended->outcome.status();
    if (!failed.ok()) break;
    parts.push_back(std::get<EvaluationPart>(*std::move(ended->outcome)));
    size_t count = parts.back().states.at(0).size();
    for (size_t i = 0; i < count; ++i) limit.Add(static_cast<size_t>(parts.back().first) + i, {});
    done += static_cast<double>(count);
    progress_.Progress("", done, static_cast<double>(batches));
  }
  team_->Settle();
  team_->Own().Equip({});
  if (failed.reason() == "OUT_OF_MEMORY") return BaselineHere(session, expected_seconds);
  NS_RETURN_IF_ERROR(failed);
  return evaluator_->JoinParts(parts);
}

void OptimizeRun::TellTeamOfBaseline() {
  if (team_ == nullptr) return;
  StopperParts parts{goals_.goals(), baseline_, options_.tuning.seed, small_, {}};
  if (evaluator_->rows().size() < told_rows_) parts.rows = evaluator_->rows();
  team_->UseStopper(StopperToText(parts));
}

// What is left is one worker's.
void OptimizeRun::DismissTeam() {
  if (team_ == nullptr) return;
  team_->Settle();
  team_->Dismiss();
  if (options_.lead.workers > 1) progress_.Send(WorkersEvent{1, 1});
}

}  // namespace ns
