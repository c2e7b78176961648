#include "api/rest/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "api/rest/target.h"
#include "base/file.h"
#include "base/log.h"
#include "tasks/answers.h"

namespace ns {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

constexpr uint32_t kMaxHeaderBytes = 16 << 10;
constexpr size_t kFileChunk = 256 << 10;
constexpr std::chrono::seconds kLinger{2};

Request FromBeast(http::request<http::string_body>& from, Target target) {
  Request request;
  request.method = std::string(from.method_string());
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  for (const auto& field : from) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers[name] = std::string(field.value());
  }
  request.body = std::move(from.body());
  return request;
}

// What all connections share. Lives until the last of them and the last running handler are done.
struct Shared {
  Shared(const RestServer::Options& o, Router r) : options(o), router(std::move(r)), pool(static_cast<size_t>(o.pool_threads)) {}
  const RestServer::Options options;
  const Router router;
  asio::io_context io{1};
  asio::thread_pool pool;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {}
  void Start() { Read(); }

 private:
  void Read();
  void OnHeader(Error error);
  void ReadBody();
  void OnRead(Error error);
  bool StreamBody();
  void OpenStream(const Route& route, const Request& head);
  void ContinueThen(std::function<void()> then);
  void ReadPiece();
  void OnPiece(Error error);
  void GivePiece(const Responder& respond, Error error, bool done);
  Responder MakeResponder(bool keep_alive);
  void Dispatch(Request request);
  void Answer(Response response);
  void SendBody(const Response& response);
  void SendFile(const Response& response);
  void SendChunk();
  void OnSent(Error error, bool keep_alive);
  void Linger();
  void Close();
  template <typename Message>
  void SetFields(Message& message, const Response& response);

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::request_parser<http::buffer_body>> stream_parser_;  // of a body that goes to sink_
  std::unique_ptr<BodySink> sink_;
  std::shared_ptr<void> message_;  // the answer being sent
  bool keep_alive_ = false;
  bool head_ = false;
  unsigned version_ = 11;
  bool first_ = true;
  FileDescriptor file_;
  uint64_t file_at_ = 0, file_left_ = 0;
  std::string chunk_;
};

void Connection::Read() {
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(boost::none);  // depends on the route, which is not known yet
  stream_.expires_after(first_ ? shared_.options.read_timeout : shared_.options.keep_alive_timeout);
  first_ = false;
  http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](Error error, size_t) { self->OnHeader(error); });
}

void Connection::OnHeader(Error error) {
  if (error) return OnRead(error);
  stream_.expires_after(shared_.options.read_timeout);
  if (StreamBody()) return;
  if (parser_->content_length().value_or(0) > shared_.options.max_body_bytes) return OnRead(http::error::body_limit);
  parser_->body_limit(shared_.options.max_body_bytes);  // of a body in chunks
  ContinueThen([self = shared_from_this()] { self->ReadBody(); });
}

// Tells a client that waits for it to send the body.
void Connection::ContinueThen(std::function<void()> then) {
  bool waits = parser_ ? parser_->get()[http::field::expect] == "100-continue" : stream_parser_->get()[http::field::expect] == "100-continue";
  if (!waits) return then();
  auto go_on = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
  message_ = go_on;
  http::async_write(stream_, *go_on, [self = shared_from_this(), then = std::move(then)](Error failed, size_t) {
    if (failed) return self->Close();
    then();
  });
}

void Connection::ReadBody() {
  http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](Error error, size_t) { self->OnRead(error); });
}

// Begins to take the body as a stream if the route wants that.
bool Connection::StreamBody() {
  auto& message = parser_->get();
  if (!shared_.router.HasStreams(std::string_view(message.method_string().data(), message.method_string().size()))) return false;
  auto target = ParseTarget(std::string_view(message.target().data(), message.target().size()));
  if (!target.ok()) return false;
  Request head = FromBeast(message, std::move(*target));
  const Route* route = shared_.router.Find(head).route;
  if (route == nullptr || !route->stream) return false;
  keep_alive_ = message.keep_alive();
  head_ = false;
  version_ = message.version();
  stream_parser_.emplace(std::move(*parser_));
  parser_.reset();
  stream_.expires_never();
  asio::post(shared_.pool, [self = shared_from_this(), route, head = std::move(head)] { self->OpenStream(*route, head); });
  return true;
}

// On the pool.
void Connection::OpenStream(const Route& route, const Request& head) {
  Responder respond = MakeResponder(false);
  std::unique_ptr<BodySink> sink;
  try {
    sink = route.stream(head, respond);
  } catch (const std::exception& error) {
    LogError("{} {}: {}", head.method, head.path, error.what());
    respond(JsonResponse(500, DetailJson("Internal Server Error")));
  }
  if (sink == nullptr) return;
  asio::post(stream_.get_executor(), [self = shared_from_this(), sink = std::make_shared<std::unique_ptr<BodySink>>(std::move(sink))] {
    self->sink_ = std::move(*sink);
    self->ContinueThen([self] { self->ReadPiece(); });
  });
}

void Connection::ReadPiece() {
  chunk_.resize(kFileChunk);
  auto& body = stream_parser_->get().body();
  body.data = chunk_.data();
  body.size = chunk_.size();
  body.more = true;
  stream_.expires_after(shared_.options.read_timeout);
  auto read = [self = shared_from_this()](Error error, size_t) { self->OnPiece(error); };
  if (stream_parser_->is_done()) return read({}, 0);  // no body at all
  http::async_read_some(stream_, buffer_, *stream_parser_, std::move(read));
}

void Connection::OnPiece(Error error) {
  if (error == http::error::need_buffer) error = {};
  auto& body = stream_parser_->get().body();
  chunk_.resize(chunk_.size() - body.size);
  stream_.expires_never();
  bool done = stream_parser_->is_done();
  asio::post(shared_.pool, [self = shared_from_this(), error, done] {
    Responder respond = self->MakeResponder(done && self->keep_alive_);
    try {
      self->GivePiece(respond, error, done);
    } catch (const std::exception& failure) {
      LogError("a body in pieces: {}", failure.what());
      respond(JsonResponse(500, DetailJson("Internal Server Error")));
    }
  });
}

// On the pool.
void Connection::GivePiece(const Responder& respond, Error error, bool done) {
  std::optional<Response> refused = chunk_.empty() ? std::nullopt : sink_->Take(chunk_);
  if (error || refused) sink_.reset();
  if (refused) return respond(std::move(*refused));
  if (error) return asio::post(stream_.get_executor(), [self = shared_from_this()] { self->Close(); });
  if (!done) return asio::post(stream_.get_executor(), [self = shared_from_this()] { self->ReadPiece(); });
  sink_->Finish(respond);
  sink_.reset();
}

// `keep_alive`: the next request may follow; not after a body that was not read to its end.
Responder Connection::MakeResponder(bool keep_alive) {
  auto answered = std::make_shared<std::atomic<bool>>(false);
  return [self = shared_from_this(), answered, keep_alive](Response response) {
    if (answered->exchange(true)) return;
    asio::post(self->stream_.get_executor(), [self, keep_alive, response = std::move(response)]() mutable {
      self->keep_alive_ = keep_alive;
      self->Answer(std::move(response));
    });
  };
}

void Connection::OnRead(Error error) {
  keep_alive_ = false;
  head_ = false;
  if (error == http::error::body_limit) {
    return Answer(JsonResponse(413, DetailJson(fmt::format("the body is larger than the {} bytes allowed", shared_.options.max_body_bytes))));
  }
  if (error == http::error::header_limit) return Answer(JsonResponse(431, DetailJson("the header is too large")));
  if (error && error.category() == http::make_error_code(http::error::bad_method).category() && error != http::error::end_of_stream &&
      error != http::error::partial_message) {
    return Answer(JsonResponse(400, DetailJson("not an HTTP request: " + error.message())));
  }
  if (error) return Close();
  auto& message = parser_->get();
  keep_alive_ = message.keep_alive();
  head_ = message.method() == http::verb::head;
  version_ = message.version();
  auto target = ParseTarget(std::string_view(message.target().data(), message.target().size()));
  if (!target.ok()) return Answer(JsonResponse(400, DetailJson(target.status().message())));
  Dispatch(FromBeast(message, std::move(*target)));
}

void Connection::Dispatch(Request request) {
  Router::Match match = shared_.router.Find(request);
  if (match.route == nullptr && match.allowed.empty()) return Answer(JsonResponse(404, DetailJson("Not Found")));
  if (match.route == nullptr) {
    Response response = JsonResponse(405, DetailJson("Method Not Allowed"));
    std::string allowed;
    for (const std::string& method : match.allowed) allowed += (allowed.empty() ? "" : ", ") + method;
    response.headers.emplace_back("Allow", allowed);
    return Answer(std::move(response));
  }
  stream_.expires_never();  // the handler's time is not the client's
  Responder respond = MakeResponder(keep_alive_);
  auto run = [route = match.route, request = std::move(request), respond] {
    try {
      route->handler(request, respond);
    } catch (const std::exception& error) {  // of the standard library: no memory, a file system gone
      LogError("{} {}: {}", request.method, request.path, error.what());
      respond(JsonResponse(500, DetailJson("Internal Server Error")));
    }
  };
  if (match.route->blocking) {
    asio::post(shared_.pool, std::move(run));
  } else {
    run();
  }
}

template <typename Message>
void Connection::SetFields(Message& message, const Response& response) {
  message.set(http::field::server, "neural_solution");
  message.set(http::field::content_type, response.content_type);
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keep_alive_);
}

void Connection::Answer(Response response) {
  stream_.expires_after(shared_.options.read_timeout);
  if (response.file.empty()) {
    SendBody(response);
  } else {
    SendFile(response);
  }
}

void Connection::SendBody(const Response& response) {
  auto message = std::make_shared<http::response<http::string_body>>(static_cast<http::status>(response.status), version_);
  SetFields(*message, response);
  message->body() = response.body;
  message->prepare_payload();
  if (head_) message->body().clear();  // Content-Length stays
  message_ = message;
  auto sent = [self = shared_from_this(), keep = keep_alive_](Error error, size_t) { self->OnSent(error, keep); };
  if (!head_) return http::async_write(stream_, *message, std::move(sent));
  auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*message);
  http::async_write_header(stream_, *serializer, [serializer, sent](Error error, size_t size) { sent(error, size); });
}

// Header first, then the file piece by piece: its length is fixed when sending begins, whatever is appended meanwhile.
void Connection::SendFile(const Response& response) {
  file_.reset(::open(response.file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  uint64_t size = file_.valid() && ::fstat(file_.get(), &info) == 0 && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
  file_at_ = std::min(response.file_from, size);
  file_left_ = size - file_at_;
  auto message = std::make_shared<http::response<http::empty_body>>(static_cast<http::status>(response.status), version_);
  SetFields(*message, response);
  message->content_length(file_left_);
  message_ = message;
  auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*message);
  http::async_write_header(stream_, *serializer, [self = shared_from_this(), serializer](Error error, size_t) {
    if (error || self->head_) return self->OnSent(error, self->keep_alive_);
    self->SendChunk();
  });
}

void Connection::SendChunk() {
  if (file_left_ == 0) {
    file_.reset();
    return OnSent({}, keep_alive_);
  }
  chunk_.resize(std::min<uint64_t>(kFileChunk, file_left_));
  ssize_t got = ::pread(file_.get(), chunk_.data(), chunk_.size(), static_cast<off_t>(file_at_));
  if (got <= 0) return Close();  // it became shorter: the client sees that the answer is not whole
  chunk_.resize(static_cast<size_t>(got));
  file_at_ += static_cast<uint64_t>(got);
  file_left_ -= static_cast<uint64_t>(got);
  stream_.expires_after(shared_.options.read_timeout);
  asio::async_write(stream_, asio::buffer(chunk_), [self = shared_from_this()](Error error, size_t) {
    if (error) return self->Close();
    self->SendChunk();
  });
}

void Connection::OnSent(Error error, bool keep_alive) {
  message_.reset();
  if (error) return Close();
  if (keep_alive) return Read();
  // A client that still sends would lose our answer to a reset, were the connection closed at once: take what comes for a moment.
  Error ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kLinger);
  Linger();
}

void Connection::Linger() {
  chunk_.resize(kFileChunk);
  stream_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](Error error, size_t) {
    if (error) return self->Close();
    self->Linger();
  });
}

void Connection::Close() {
  Error ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream_.close();
}

}  // namespace

class RestServer::Impl {
 public:
  Impl(const Options& options, Router router) : shared(options, std::move(router)), acceptor(shared.io) {}

  Status Listen() {
    Error error;
    auto address = asio::ip::make_address(shared.options.host == "localhost" ? "127.0.0.1" : shared.options.host, error);
    if (error) return InvalidArgument(fmt::format("--host must be an IP address, got '{}'", shared.options.host), "BAD_HOST");
    tcp::endpoint endpoint(address, shared.options.port);
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(1024, error);
    if (error == asio::error::address_in_use) {
      return Status(StatusCode::kAlreadyExists, fmt::format("port {} is in use; give another with --restful_api_port", shared.options.port), "PORT_IN_USE");
    }
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot listen on {}:{}", shared.options.host, shared.options.port));
    return OkStatus();
  }

  void Serve() {
    Accept();
    thread = std::thread([this] { shared.io.run(); });
  }

  void Accept() {
    acceptor.async_accept([this](Error error, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!error) {
        Error ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        std::make_shared<Connection>(std::move(socket), shared)->Start();
        return Accept();
      }
      // Out of descriptors, mostly: wait a little rather than spin.
      LogWarning("cannot accept a connection: {}", error.message());
      retry.expires_after(std::chrono::milliseconds(100));
      retry.async_wait([this](Error cancelled) {
        if (!cancelled) Accept();
      });
    });
  }

  ~Impl() { Stop(); }

  void Stop() {
    if (stopped) return;
    stopped = true;
    if (!thread.joinable()) return;  // never served
    asio::post(shared.io, [this] {
      Error ignored;
      acceptor.close(ignored);
      retry.cancel();
      shared.io.stop();
    });
    thread.join();
    shared.pool.join();
  }

  Shared shared;
  tcp::acceptor acceptor;
  asio::steady_timer retry{shared.io};
  bool stopped = false;
  std::thread thread;
};

RestServer::RestServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestServer::~RestServer() = default;
void RestServer::Serve() { impl_->Serve(); }
void RestServer::Stop() { impl_->Stop(); }

Result<std::unique_ptr<RestServer>> RestServer::Listen(const Options& options, Router router) {
  auto impl = std::make_unique<Impl>(options, std::move(router));
  NS_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<RestServer>(new RestServer(std::move(impl)));
}

uint16_t RestServer::port() const {
  Error ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

}  // namespace ns
