// Delivers the final status of tasks to their webhooks: at least once, over restarts, without holding anything up.
//
// A delivery is a row of the store that comes with the task's end and says when the next try is due. It counts as made when the receiver
// answers with 2xx; else it is tried again after 5 s, 10 s, 20 s, ... up to an hour, a quarter more or less, for at most `tries` times. A receiver
// that answers 410 (Gone) is not asked again.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "fetch/http_poster.h"
#include "store/task_store.h"

namespace ns {

class WebhookSender {
 public:
  struct Options {
    HttpPoster::Options poster;
    std::string secret;          // signs each body: X-Neural-Solution-Signature: sha256=HMAC in hex; "": unsigned
    std::string base_url;        // "http://127.0.0.1:8000", for result_path
    int tries = 30;              // with the waits below about a day
    double first_wait_seconds = 5;
    double longest_wait_seconds = 3600;
    int at_once = 32;            // deliveries under way
  };
  // References outlive it.
  WebhookSender(const Options& options, TaskStore& store, const Clock& clock);
  // Breaks off what is under way: it is sent again after the next start.
  ~WebhookSender();

  // A task may have ended: look. Cheap; any thread.
  void Wake();

 private:
  void Run();
  // Sends what is due; how long to sleep then.
  std::chrono::milliseconds SendDue();
  void Send(const DueWebhook& due);
  void Answered(const DueWebhook& due, const Result<int>& answer);
  void Store(const std::string& id, const WebhookStatus& status);
  bool StoreAgain();

  const Options options_;
  TaskStore& store_;
  const Clock& clock_;
  std::mutex mutex_;  // over the next four
  std::condition_variable wake_;
  bool news_ = false, stop_ = false;
  std::set<std::string> under_way_;                   // tasks, until their new state is stored
  std::map<std::string, WebhookStatus> unstored_;     // of these, what the store did not take
  std::unique_ptr<HttpPoster> poster_;
  std::thread thread_;
};

}  // namespace ns
