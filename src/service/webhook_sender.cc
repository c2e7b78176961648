#include "service/webhook_sender.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/hash.h"
#include "base/log.h"
#include "fetch/address.h"
#include "service/task_answer.h"
#include "tasks/webhook.h"

namespace ns {

namespace {

constexpr std::chrono::milliseconds kLongestSleep{60'000};
constexpr std::chrono::milliseconds kRetryStore{1'000};
constexpr int kGone = 410;

double Jittered(double seconds) {
  std::random_device random;
  return seconds * std::uniform_real_distribution<double>(0.75, 1.25)(random);
}

// What GET /task/status/{id} answers, but for how far this delivery is.
Result<std::string> BodyFor(const TaskStore& store, const std::string& id, const std::string& base_url) {
  TaskView view;
  NS_ASSIGN_OR_RETURN(view.record, store.Get(id));
  NS_ASSIGN_OR_RETURN(StoredProgress stored, ReadProgress(store, id));
  view.progress = std::move(stored.progress);
  view.record.webhook.reset();
  return WebhookBody(id, ToStatusAnswer(view, base_url + "/download/" + id));
}

}  // namespace

WebhookSender::WebhookSender(const Options& options, TaskStore& store, const Clock& clock)
    : options_(options), store_(store), clock_(clock), poster_(std::make_unique<HttpPoster>(options.poster)), thread_([this] { Run(); }) {}

WebhookSender::~WebhookSender() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  poster_.reset();
  store_.Flush();  // what it was told tells us in turn
}

void WebhookSender::Wake() {
  {
    std::lock_guard lock(mutex_);
    news_ = true;
  }
  wake_.notify_one();
}

void WebhookSender::Run() {
  std::chrono::milliseconds sleep{0};
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, sleep, [&] { return stop_ || news_; });
      if (stop_) return;
      news_ = false;
    }
    sleep = StoreAgain() ? std::min(kRetryStore, SendDue()) : SendDue();
  }
}

std::chrono::milliseconds WebhookSender::SendDue() {
  size_t under_way;
  {
    std::lock_guard lock(mutex_);
    under_way = under_way_.size();
  }
  auto due = store_.DueWebhooks(clock_.wall(), options_.at_once);
  auto next = store_.NextWebhook();
  if (!due.ok() || !next.ok()) {
    LogWarning("webhooks: {}", (due.ok() ? next.status() : due.status()).ToString());
    return kRetryStore;
  }
  for (const DueWebhook& one : *due) {
    if (static_cast<int>(under_way) >= options_.at_once) return kLongestSleep;  // an answer wakes us
    {
      std::lock_guard lock(mutex_);
      if (!under_way_.insert(one.task_id).second) continue;
    }
    ++under_way;
    Send(one);
  }
  if (!*next) return kLongestSleep;
  // One that is under way is still due: what ends it wakes us.
  if (under_way > 0 && **next <= clock_.wall()) return kRetryStore;
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(**next - clock_.wall()) + std::chrono::milliseconds(1);
  return std::clamp(left, std::chrono::milliseconds(1), kLongestSleep);
}

// Without the mutex, which the store's writer wants: a body is read from the store.
void WebhookSender::Send(const DueWebhook& due) {
  auto body = BodyFor(store_, due.task_id, options_.base_url);
  if (!body.ok()) {
    std::lock_guard lock(mutex_);
    under_way_.erase(due.task_id);
    return;
  }
  HttpPost post;
  post.url = due.url;
  post.body = *std::move(body);
  post.headers = {"Content-Type: application/json", "X-Neural-Solution-Task: " + due.task_id};
  if (!options_.secret.empty()) post.headers.push_back("X-Neural-Solution-Signature: sha256=" + HmacSha256Hex(options_.secret, post.body));
  poster_->Send(std::move(post), [this, due](Result<int> answer) { Answered(due, answer); });
}

void WebhookSender::Answered(const DueWebhook& due, const Result<int>& answer) {
  bool delivered = answer.ok() && *answer >= 200 && *answer < 300;
  WebhookStatus status;
  status.tries = due.tries + 1;
  status.state = delivered ? "delivered" : "waiting";
  if (delivered) {
    status.delivered = clock_.wall();
  } else {
    status.last_error = answer.ok() ? fmt::format("{} answered with HTTP {}", ShownAddress(due.url), *answer) : answer.status().message();
    bool refused = !answer.ok() && answer.status().reason() != "POST_FAILED";  // by the rules: no time changes that
    if (refused || status.tries >= options_.tries || (answer.ok() && *answer == kGone)) {
      status.state = "failed";
    } else {
      double wait = std::min(options_.longest_wait_seconds, options_.first_wait_seconds * std::pow(2, std::min(due.tries, 30)));
      status.next = clock_.wall() + std::chrono::microseconds(static_cast<int64_t>(Jittered(wait) * 1e6));
    }
    LogWarning("webhook of task {}: {}{}", due.task_id, status.last_error, status.state == "failed" ? "; given up" : "");
  }
  Store(due.task_id, status);
}

// Until it is stored the task counts as under way: it is not sent again for a full disk.
void WebhookSender::Store(const std::string& id, const WebhookStatus& status) {
  store_.UpdateWebhook(id, status, [this, id, status](Status stored) {
    if (!stored.ok()) LogWarning("webhook of task {}: {}", id, stored.ToString());
    {
      std::lock_guard lock(mutex_);
      if (stored.ok()) {
        under_way_.erase(id);
        news_ = true;
      } else {
        unstored_[id] = status;
      }
    }
    wake_.notify_one();
  });
}

bool WebhookSender::StoreAgain() {
  std::map<std::string, WebhookStatus> unstored;
  {
    std::lock_guard lock(mutex_);
    unstored.swap(unstored_);
  }
  for (const auto& [id, status] : unstored) Store(id, status);
  return !unstored.empty();
}

}  // namespace ns
