// Takes a BodySource's pieces one at a time: read on the pool, handed over on the connection's thread. Private to api/rest.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>

#include "api/rest/message.h"

namespace ns {

// Of the connection's thread, but for the source's wake. Nothing is read ahead: a slow client costs one piece.
class SourcePump : public std::enable_shared_from_this<SourcePump> {
 public:
  using Ready = std::function<void(Piece)>;
  static std::shared_ptr<SourcePump> Make(std::shared_ptr<BodySource> source, boost::asio::any_io_executor executor, boost::asio::thread_pool& pool);

  // `ready` comes later, once, unless Stop() is called. Not again before it came.
  void Ask(Ready ready);
  // Lets go of the source.
  void Stop();
  // Asked, and the source has nothing now.
  bool waiting() const { return ready_ != nullptr && !reading_; }

 private:
  SourcePump(std::shared_ptr<BodySource> source, boost::asio::any_io_executor executor, boost::asio::thread_pool& pool);
  void Start();
  void Read();
  void OnRead(std::optional<Piece> piece);
  void OnWake();

  std::shared_ptr<BodySource> source_;
  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& pool_;
  Ready ready_;
  bool reading_ = false;
  bool again_ = false;  // woken while it read
};

}  // namespace ns
