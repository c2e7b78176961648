// A connection's bytes, plain or in TLS, behind one type: what reads and writes HTTP and WebSocket does not know which. Private to api/rest.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <memory>
#include <optional>

namespace ns {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Error = boost::system::error_code;

// Beast's AsyncStream. One reading and one writing operation at a time; of one thread.
class NetStream {
 public:
  using executor_type = beast::tcp_stream::executor_type;
  using Tls = beast::ssl_stream<beast::tcp_stream>;

  // `context` null: plain.
  NetStream(asio::ip::tcp::socket socket, asio::ssl::context* context) {
    if (context == nullptr) {
      plain_.emplace(std::move(socket));
    } else {
      tls_ = std::make_unique<Tls>(beast::tcp_stream(std::move(socket)), *context);
    }
  }

  executor_type get_executor() { return tcp().get_executor(); }
  beast::tcp_stream& tcp() { return tls_ ? tls_->next_layer() : *plain_; }
  bool is_tls() const { return tls_ != nullptr; }
  Tls& tls() { return *tls_; }

  template <typename Buffers, typename Done>
  void async_read_some(const Buffers& buffers, Done&& done) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Done>(done));
    plain_->async_read_some(buffers, std::forward<Done>(done));
  }
  template <typename Buffers, typename Done>
  void async_write_some(const Buffers& buffers, Done&& done) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Done>(done));
    plain_->async_write_some(buffers, std::forward<Done>(done));
  }

 private:
  std::optional<beast::tcp_stream> plain_;
  std::unique_ptr<Tls> tls_;
};

// What Beast's WebSocket calls to end a connection.
template <typename Done>
void async_teardown(beast::role_type role, NetStream& stream, Done&& done) {
  if (stream.is_tls()) return beast::async_teardown(role, stream.tls(), std::forward<Done>(done));
  beast::websocket::async_teardown(role, stream.tcp().socket(), std::forward<Done>(done));
}
inline void beast_close_socket(NetStream& stream) { stream.tcp().close(); }

}  // namespace ns
