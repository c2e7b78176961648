#include "base/hash.h"
#include "tasks/session_settings_codec.h"
#include "worker/optimize_run.h"
#include "worker/session_search.h"

namespace ns {

namespace {

std::optional<SessionSettings> Known(const TuningCache& cache, const std::string& key) {
  auto text = cache.Get(key);
  if (!text) return std::nullopt;
  try {
    return SessionSettingsFromJson(nlohmann::json::parse(*text));
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Status OptimizeRun::ReadTimedRows() {
  int64_t& batch = timed_batch_ = options_.latency.batch;
  if (data_) {
    batch = data_->evaluation->fixed_batch().value_or(batch);
    NS_ASSIGN_OR_RETURN(rows_, LatencyRows(*data_->evaluation, data_->split.evaluation, batch, kTimedRows));
  } else {
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source_->model, TimedSession(latency_)));
    NS_ASSIGN_OR_RETURN(NamedTensors made, LongestInputs(session, source_->model.inputs(), batch, 0, context_.stop));
    rows_ = {std::move(made)};
  }
  return OkStatus();
}

// A recipe's settings are taken as they are; a search is done for what was tuned for speed, when its seconds are there.
Status OptimizeRun::ChooseSession(const std::filesystem::path& model) {
  session_ = recipe_ && recipe_->session ? *recipe_->session : UsualSettings(latency_);
  NS_RETURN_IF_ERROR(ReadTimedRows());
  if (!quantized_ || recipe_ || options_.tuning.objective.performance <= 0) return OkStatus();
  SessionSearch search{latency_, options_.latency.threads > 0};
  double timeout = options_.tuning.stop.timeout_seconds;
  std::string key;
  if (cache_) {
    NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(model));
    key = "session " + digest;
    if (auto known = Known(*cache_, key)) {
      session_ = *std::move(known);
      return OkStatus();
    }
  }
  if (timeout > 0 && timeout - progress_.elapsed_seconds() < 2 * search.budget_seconds + latency_.budget_seconds) return OkStatus();
  auto found = FindSessionSettings(model, rows_, search, progress_, context_.stop);
  if (!found.ok() && found.status().code() == StatusCode::kCancelled) return found.status();
  if (!found.ok()) {
    AddNote(fmt::format("the settings of ONNX Runtime's session were not searched: {}", found.status().message()));
    return OkStatus();
  }
  session_ = found->settings;
  if (cache_) cache_->Put(key, SessionSettingsToJson<nlohmann::json>(session_).dump());
  if (session_ != UsualSettings(latency_)) {
    progress_.Note(fmt::format("another session of ONNX Runtime runs it at {:.2f} times the speed (95 % {:.2f} to {:.2f}): {}", found->gain.value,
                               found->gain.low, found->gain.high, SessionSettingsText(session_)));
  }
  return Check();
}

}  // namespace ns
