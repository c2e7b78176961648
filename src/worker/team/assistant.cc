#include "worker/team/assistant.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/cpu.h"
#include "team/rpc/lead_connection.h"
#include "team/rpc/socket_address.h"
#include "worker/team/workbench.h"

namespace ns {

namespace {

using std::chrono::duration;
using Say = std::function<void(const std::string&)>;

constexpr double kFirstPause = 0.1, kLongestPause = 2;  // seconds between two tries to reach the lead
constexpr double kLeaving = 0.5;
constexpr double kPatienceAtFirst = 4;  // times: a lead that starts has files to fetch and to read

// One conversation with a lead. Three threads: one listens, one gives signs of life, this one works.
class Conversation {
 public:
  Conversation(const AssistOptions& options, const WorkMarks& marks, std::unique_ptr<LeadConnection> lead, ItemProgress& progress, const Say& say,
               std::stop_token stop)
      : options_(options), marks_(marks), lead_(std::move(lead)), progress_(progress), say_(say), stop_(std::move(stop)) {}

  // `spec` is what `bench` was opened for; both are kept over conversations. Unavailable: the connection broke.
  Status Hold(std::string* spec, std::unique_ptr<Workbench>* bench) {
    NS_ASSIGN_OR_RETURN(LeadWords first, lead_->Read());
    auto* welcome = std::get_if<WelcomeWords>(&first);
    if (welcome == nullptr) return Unavailable("the lead did not say what the task is");
    heard_ = true;
    std::stop_callback leave(stop_, [this] {
      lead_->SendGoodbye();
      std::lock_guard lock(mutex_);
      whole_.request_stop();
      item_stop_.request_stop();
    });
    std::jthread ear([this] { Listen(); });
    std::jthread pulse([this, every = welcome->heartbeat_seconds](std::stop_token ended) { Beat(every, ended); });
    Status status = Open(welcome->task, spec, bench);
    if (status.ok()) status = Work(**bench);
    pulse.request_stop();
    if (!status.ok() && status.code() != StatusCode::kUnavailable) Leave();
    lead_->Close();
    return status;
  }
  bool heard() const { return heard_; }

 private:
  Status Open(const std::string& task, std::string* spec, std::unique_ptr<Workbench>* bench) {
    if (*bench != nullptr && *spec == task) return OkStatus();
    bench->reset();
    NS_ASSIGN_OR_RETURN(TeamSpec told, TeamSpecFromText(task));
    NS_ASSIGN_OR_RETURN(*bench, Workbench::Open(std::move(told), options_, marks_, progress_, Ended()));
    *spec = task;
    return OkStatus();
  }

  // In peace: what is wrong here is nothing that the lead has lost.
  void Leave() {
    lead_->SendGoodbye();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, duration<double>(kLeaving), [&] { return over_; });
  }

  std::stop_token Ended() {
    std::lock_guard lock(mutex_);
    return whole_.get_token();
  }

  Status Work(Workbench& bench) {
    say_("ready");
    lead_->SendReady();
    while (true) {
      GivenItem item;
      std::stop_token stop;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return over_ || !items_.empty(); });
        if (over_) return end_;
        item = std::move(items_.front());
        items_.erase(items_.begin());
        lease_ = item.lease;
        item_stop_ = std::stop_source();
        stop = item_stop_.get_token();
      }
      Report(item, bench.Do(item.payload, [&](const std::string& digest) { return lead_->Fetch(digest); }, stop));
      std::lock_guard lock(mutex_);
      lease_ = 0;
    }
  }

  void Report(const GivenItem& item, const Result<TeamOutcome>& outcome) {
    if (!outcome.ok()) {
      const Status& status = outcome.status();
      if (status.code() == StatusCode::kCancelled) return;  // nobody waits for it
      if (status.reason() == "OUT_OF_MEMORY" || status.reason() == "NO_BLOB" || status.code() == StatusCode::kUnavailable) {
        lead_->SendGiveBack(item.lease, status.message());
        return;
      }
    }
    lead_->SendResult(item.lease, OutcomeToBytes(outcome));
  }

  void Listen() {
    while (true) {
      auto words = lead_->Read();
      std::lock_guard lock(mutex_);
      if (!words.ok() || std::holds_alternative<EndOfWork>(*words)) {
        over_ = true;
        end_ = words.ok() ? OkStatus() : words.status();
        if (words.ok()) say_(std::get<EndOfWork>(*words).why);
        if (stop_.stop_requested()) end_ = Cancelled();
        whole_.request_stop();
        item_stop_.request_stop();
        changed_.notify_all();
        return;
      }
      if (auto* item = std::get_if<GivenItem>(&*words)) {
        items_.push_back(std::move(*item));
        changed_.notify_all();
      } else if (auto* end = std::get_if<StopItem>(&*words)) {
        if (end->lease == lease_) item_stop_.request_stop();
        std::erase_if(items_, [&](const GivenItem& one) { return one.lease == end->lease; });
      }
    }
  }

  void Beat(double every, std::stop_token ended) {
    while (!ended.stop_requested()) {
      int64_t lease = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, ended, duration<double>(every), [] { return false; });
        lease = lease_;
      }
      if (ended.stop_requested() || !lead_->SendHeartbeat(lease, progress_.part())) return;
    }
  }

  const AssistOptions& options_;
  const WorkMarks& marks_;
  std::unique_ptr<LeadConnection> lead_;
  ItemProgress& progress_;
  const Say& say_;
  std::stop_token stop_;
  bool heard_ = false;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<GivenItem> items_;
  int64_t lease_ = 0;
  std::stop_source item_stop_, whole_;
  bool over_ = false;
  Status end_;
};

bool Pause(double seconds, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration<double>(seconds), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

Status Assist(const AssistOptions& options, const Say& say, std::stop_token stop) {
  if (!options.cores.empty() && !PinThisThread(options.cores)) {
    return InvalidArgument("the cores asked for may not be used by this process", "BAD_CORES");
  }
  const WorkMarks marks(options.marks, SystemClock().wall());
  ItemProgress progress(say);
  std::string spec;
  std::unique_ptr<Workbench> bench;
  double pause = kFirstPause, patience = options.lead_patience_seconds * kPatienceAtFirst;
  auto alone_since = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    // The token and the socket's folder may come later than we do.
    auto token = ReadTeamToken(options.token_file);
    Introduction who{options.socket, "", options.worker, options.fence, options.threads,
                     ProcessorName(), NS_VERSION, marks.killed()};
    if (token.ok()) who.token = *token;
    auto lead = token.ok() ? LeadConnection::Open(who) : Result<std::unique_ptr<LeadConnection>>(token.status());
    if (lead.ok()) {
      Conversation conversation(options, marks, *std::move(lead), progress, say, stop);
      Status status = conversation.Hold(&spec, &bench);
      if (status.code() != StatusCode::kUnavailable) return status;
      if (conversation.heard()) {
        say("the lead is gone; looking for it again");
        pause = kFirstPause;
        patience = options.lead_patience_seconds;
        alone_since = std::chrono::steady_clock::now();
      }
    } else if (lead.status().code() != StatusCode::kNotFound) {
      return lead.status();
    }
    if (patience > 0 && std::chrono::steady_clock::now() - alone_since >= duration<double>(patience)) {
      say(fmt::format("no lead for {:.0f} s; it may need what this worker holds", patience));
      return OkStatus();
    }
    if (!Pause(pause, stop)) break;
    pause = std::min(2 * pause, kLongestPause);
  }
  return Cancelled();
}

}  // namespace ns
