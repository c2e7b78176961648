#include "api/rest/source_pump.h"

#include <boost/asio/post.hpp>

#include <atomic>
#include <exception>

#include "base/log.h"

namespace ns {

namespace asio = boost::asio;

SourcePump::SourcePump(std::shared_ptr<BodySource> source, asio::any_io_executor executor, asio::thread_pool& pool)
    : source_(std::move(source)), executor_(std::move(executor)), pool_(pool) {}

std::shared_ptr<SourcePump> SourcePump::Make(std::shared_ptr<BodySource> source, asio::any_io_executor executor, asio::thread_pool& pool) {
  std::shared_ptr<SourcePump> pump(new SourcePump(std::move(source), std::move(executor), pool));
  pump->Start();
  return pump;
}

void SourcePump::Start() {
  // The waker never holds the pump, not even for a moment: were it the last to let go, the source would end its subscription from inside
  // the very call that it waits for.
  auto posted = std::make_shared<std::atomic<bool>>(false);
  source_->Start([weak = weak_from_this(), executor = executor_, posted] {
    if (posted->exchange(true)) return;
    asio::post(executor, [weak, posted] {
      posted->store(false);
      if (auto pump = weak.lock()) pump->OnWake();
    });
  });
}

void SourcePump::Ask(Ready ready) {
  ready_ = std::move(ready);
  if (source_ != nullptr) Read();
}

void SourcePump::Stop() {
  ready_ = nullptr;
  source_.reset();
}

void SourcePump::Read() {
  reading_ = true;
  again_ = false;
  asio::post(pool_, [self = shared_from_this(), source = source_] {
    std::optional<Piece> piece;
    try {
      piece = source->Read();
    } catch (const std::exception& error) {
      LogError("the body of an answer: {}", error.what());
      piece.emplace().broken = true;
    }
    asio::post(self->executor_, [self, piece = std::move(piece)]() mutable { self->OnRead(std::move(piece)); });
  });
}

void SourcePump::OnRead(std::optional<Piece> piece) {
  reading_ = false;
  if (source_ == nullptr || ready_ == nullptr) return;
  if (piece) return std::exchange(ready_, nullptr)(std::move(*piece));
  if (again_) Read();
}

void SourcePump::OnWake() {
  again_ = true;
  if (source_ != nullptr && waiting()) Read();
}

}  // namespace ns
