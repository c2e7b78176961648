#include <mutex>
#include <utility>

#include "api/rpc/calls.h"
#include "api/wire/proto/messages.h"

namespace ns {

namespace {

constexpr int kPage = 64;

// One of three at any time: a page is being read on the pool, an event is being sent, or it waits for news. Whoever ends one of them starts
// the next, under the mutex; so Finish() is called once, and nothing is under way then.
class WatchCall final : public grpc::ServerWriteReactor<pb::TaskEvent> {
 public:
  WatchCall(RpcShared& shared, TaskCall call, uint64_t after)
      : shared_(shared), caller_(std::move(call.caller)), id_(std::move(call.id)), after_(after) {}

  // When the caller has the reactor in hand: the wake-ups begin here.
  void Begin() {
    busy_ = true;
    subscription_ = shared_.service.events().Subscribe(id_, [this] { OnNews(); });
    boost::asio::post(shared_.pool, [this] { ReadPage(); });
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    if (!ok) cancelled_ = true;
    Next();
  }
  void OnCancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!busy_) Next();
  }
  void OnDone() override {
    subscription_.End();  // a wake-up that runs now ends first
    delete this;
  }

 private:
  void OnNews() {
    std::lock_guard lock(mutex_);
    news_ = true;
    if (!busy_) Next();
  }

  void ReadPage() {
    auto page = shared_.service.Events(caller_, id_, after_, kPage);
    std::lock_guard lock(mutex_);
    if (!page.ok()) {
      failure_ = page.status();
    } else {
      page_ = std::move(*page);
      at_ = 0;
      news_ = news_ || page_.events.size() == kPage;
    }
    Next();
  }

  // With mutex_ held and nothing under way.
  void Next() {
    busy_ = true;
    if (finished_) return;
    if (cancelled_) return End(grpc::Status::CANCELLED);
    if (!failure_.ok()) return End(ToGrpc(failure_));
    if (at_ < page_.events.size()) {
      const TaskEvent& event = page_.events[at_++];
      after_ = event.seq;
      message_.Clear();
      FillEvent(event, &message_);
      return StartWrite(&message_);
    }
    if (page_.ended) return End(grpc::Status::OK);
    if (Status status = CheckServing(shared_); !status.ok()) return End(ToGrpc(status));
    if (std::exchange(news_, false)) return boost::asio::post(shared_.pool, [this] { ReadPage(); });
    busy_ = false;
  }

  void End(const grpc::Status& status) {
    finished_ = true;
    Finish(status);
  }

  RpcShared& shared_;
  const Caller caller_;
  const std::string id_;
  std::mutex mutex_;  // over all below
  uint64_t after_;
  EventPage page_;
  size_t at_ = 0;
  pb::TaskEvent message_;
  Status failure_;
  bool busy_ = false, news_ = false, cancelled_ = false, finished_ = false;
  EventFeed::Subscription subscription_;
};

// A stream that ends before it begins.
class RefusedWatch final : public grpc::ServerWriteReactor<pb::TaskEvent> {
 public:
  explicit RefusedWatch(const Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<pb::TaskEvent>* StartWatch(RpcShared& shared, grpc::CallbackServerContext* context, const pb::WatchTaskRequest& request) {
  auto admitted = AdmitTask(shared, *context, request.task_id());
  Status status = admitted.ok() ? shared.service.GetTask(admitted->caller, admitted->id).status() : admitted.status();
  if (!status.ok()) return std::make_unique<RefusedWatch>(status).release();
  auto call = std::make_unique<WatchCall>(shared, std::move(*admitted), request.after_seq());
  call->Begin();
  return call.release();
}

}  // namespace ns
