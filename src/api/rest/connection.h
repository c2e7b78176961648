// One client: its requests are read, answered one after the other, and may come before the last answer is out. Private to api/rest.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/rest/net_stream.h"
#include "api/rest/request_metrics.h"
#include "api/rest/server.h"
#include "api/rest/source_pump.h"
#include "api/rest/target.h"

namespace ns {

namespace http = boost::beast::http;

// What all connections share. Lives until the last of them and the last running handler are done.
struct ServerCore {
  ServerCore(const RestServer::Options& o, Router r)
      : options(o), router(std::move(r)), metrics(router.routes()), pool(static_cast<size_t>(o.pool_threads)) {}

  std::shared_ptr<asio::ssl::context> Tls() {
    std::lock_guard lock(tls_mutex);
    return tls;
  }

  const RestServer::Options options;
  const Router router;
  RequestMetrics metrics;
  asio::thread_pool pool;
  std::atomic<int> connections{0};
  std::mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls;  // null: plain
};

// Of one network thread, but for MakeResponder()'s result.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `place`: what counts it, held as long as the connection lives.
  Connection(asio::ip::tcp::socket socket, ServerCore& core, std::shared_ptr<void> place);
  void Start();

 private:
  // An answer, ready to be written.
  struct Outgoing {
    std::string text;  // status line and headers with the empty line; then the body, unless there is a source
    bool keep_alive = false;
    bool chunked = false;
    std::shared_ptr<BodySource> source;
    std::string heartbeat;
    bool websocket = false;
  };

  // connection.cc: reading
  void Read();
  void OnHeader(Error error);
  void Refuse(Error error);
  void TakeRequest(Target target);
  bool Admit();
  const Route* FindRoute();
  void ReadBody(const Route& route);
  void ContinueThen(std::function<void()> then);
  void Run(const Route& route);
  Responder MakeResponder(bool keep_alive);
  void Close();

  // upload.cc: bodies that go to a sink
  void OpenSink(const Route& route);
  void ReadPiece();
  void OnPiece(Error error);
  void GivePiece(const Responder& respond, Error error, bool done);

  // answer.cc: writing
  void Answer(Response response);
  Outgoing Prepare(Response response, bool keep_alive) const;
  void Count(Response& response) const;
  std::optional<uint64_t> PrepareFile(Response& response, bool gzip) const;
  void Send(Outgoing out);
  void SendSource();
  void NextPiece();
  void OnSourcePiece(Piece piece);
  void Write(std::string data, std::function<void()> then);
  void Beat();
  void OnSent();
  void Linger();

  const std::shared_ptr<void> place_;
  const std::shared_ptr<asio::ssl::context> tls_;  // kept while the stream uses it; null: plain
  NetStream stream_;
  ServerCore& core_;
  const std::string address_;  // of the client
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::request_parser<http::buffer_body>> sink_parser_;  // of a body that goes to sink_
  std::unique_ptr<BodySink> sink_;
  std::string chunk_;  // being read, or written

  // Of the request being answered:
  std::shared_ptr<Request> request_;
  const Route* route_ = nullptr;  // null: none fits, or it is not known yet
  std::chrono::steady_clock::time_point began_;  // when it was there, but for its body
  bool keep_alive_ = false;  // as the client wants it
  bool head_ = false;
  unsigned version_ = 11;
  bool first_ = true;

  // Of the answer being sent:
  Outgoing out_;
  std::shared_ptr<SourcePump> pump_;
  asio::steady_timer beat_;
  std::optional<Piece> held_;  // came while a heartbeat was written
  bool writing_ = false;
  bool ending_ = false;  // the source has given its last piece
};

}  // namespace ns
