#include "api/rest/websocket_session.h"

#include <boost/beast/websocket/rfc6455.hpp>

namespace ns {

namespace websocket = boost::beast::websocket;

namespace {
constexpr size_t kMaxFromClient = 64 << 10;  // of one message; what the client says is not read
}

WebSocketSession::WebSocketSession(NetStream stream, std::shared_ptr<void> tls, std::shared_ptr<void> place, UpgradeRequest request)
    : tls_(std::move(tls)), place_(std::move(place)), request_(std::move(request)), stream_(std::move(stream)) {}

void WebSocketSession::Start(NetStream stream, std::shared_ptr<void> tls, std::shared_ptr<void> place, UpgradeRequest request,
                             std::shared_ptr<BodySource> source, asio::thread_pool& pool) {
  std::shared_ptr<WebSocketSession> session(new WebSocketSession(std::move(stream), std::move(tls), std::move(place), std::move(request)));
  session->Accept(std::move(source), pool);
}

void WebSocketSession::Accept(std::shared_ptr<BodySource> source, asio::thread_pool& pool) {
  websocket::stream_base::timeout timeout{std::chrono::seconds(30), std::chrono::seconds(60), true};  // handshake, idle, with pings
  stream_.set_option(timeout);
  stream_.set_option(websocket::stream_base::decorator([](websocket::response_type& answer) { answer.set(beast::http::field::server, "neural_solution"); }));
  stream_.read_message_max(kMaxFromClient);
  stream_.auto_fragment(false);
  stream_.text(true);
  stream_.async_accept(request_, [self = shared_from_this(), source = std::move(source), &pool](Error error) {
    if (error) return;
    self->pump_ = SourcePump::Make(source, self->stream_.get_executor(), pool);
    self->Listen();
    self->NextPiece();
  });
}

// Reading answers pings and closes, and notices when the client has gone; it also keeps the session while the source has nothing.
void WebSocketSession::Listen() {
  stream_.async_read(from_client_, [self = shared_from_this()](Error error, size_t) {
    if (error) return self->Gone();
    self->from_client_.clear();
    self->Listen();
  });
}

void WebSocketSession::NextPiece() {
  if (pump_ == nullptr) return;
  pump_->Ask([weak = weak_from_this()](Piece piece) {
    if (auto self = weak.lock()) self->OnPiece(std::move(piece));
  });
}

void WebSocketSession::OnPiece(Piece piece) {
  if (pump_ == nullptr) return;
  if (piece.broken) return End(websocket::close_code::internal_error);
  piece_ = std::move(piece);
  if (piece_.data.empty() && piece_.last) return End(websocket::close_code::normal);
  stream_.async_write_some(piece_.ends_message, asio::buffer(piece_.data), [self = shared_from_this()](Error error, size_t) {
    if (error) return self->Gone();
    if (self->piece_.last) return self->End(websocket::close_code::normal);
    self->NextPiece();
  });
}

void WebSocketSession::End(websocket::close_code code) {
  Gone();
  stream_.async_close(code, [self = shared_from_this()](Error) {});
}

void WebSocketSession::Gone() {
  if (pump_) pump_->Stop();
  pump_.reset();
}

}  // namespace ns
