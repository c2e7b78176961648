// A WebSocket that shows a source's pieces as text messages. Private to api/rest.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <memory>

#include "api/rest/net_stream.h"
#include "api/rest/source_pump.h"

namespace ns {

// Of one network thread. Reads the source only as fast as the client takes the messages; a client that answers no ping for a minute is let go.
class WebSocketSession : public std::enable_shared_from_this<WebSocketSession> {
 public:
  using UpgradeRequest = beast::http::request<beast::http::string_body>;
  // `tls`, `place`: held as long as the session lives.
  static void Start(NetStream stream, std::shared_ptr<void> tls, std::shared_ptr<void> place, UpgradeRequest request,
                    std::shared_ptr<BodySource> source, asio::thread_pool& pool);

 private:
  WebSocketSession(NetStream stream, std::shared_ptr<void> tls, std::shared_ptr<void> place, UpgradeRequest request);
  void Accept(std::shared_ptr<BodySource> source, asio::thread_pool& pool);
  void Listen();
  void NextPiece();
  void OnPiece(Piece piece);
  void End(beast::websocket::close_code code);
  void Gone();

  const std::shared_ptr<void> tls_, place_;
  const UpgradeRequest request_;
  beast::websocket::stream<NetStream> stream_;
  beast::flat_buffer from_client_;  // not used
  std::shared_ptr<SourcePump> pump_;
  Piece piece_;  // being sent
};

}  // namespace ns
