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
  void OnRead(Error error);
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
  parser_->body_limit(shared_.options.max_body_bytes);
  stream_.expires_after(first_ ? shared_.options.read_timeout : shared_.options.keep_alive_timeout);
  first_ = false;
  http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](Error error, size_t) {
    if (error) return self->OnRead(error);
    self->stream_.expires_after(self->shared_.options.read_timeout);
    if (self->parser_->get()[http::field::expect] == "100-continue") {
      auto go_on = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
      self->message_ = go_on;
      return http::async_write(self->stream_, *go_on, [self](Error failed, size_t) {
        if (failed) return self->Close();
        http::async_read(self->stream_, self->buffer_, *self->parser_, [self](Error e, size_t) { self->OnRead(e); });
      });
    }
    http::async_read(self->stream_, self->buffer_, *self->parser_, [self](Error e, size_t) { self->OnRead(e); });
  });
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
  auto answered = std::make_shared<std::atomic<bool>>(false);
  Responder respond = [self = shared_from_this(), answered](Response response) {
    if (answered->exchange(true)) return;
    asio::post(self->stream_.get_executor(), [self, response = std::move(response)]() mutable { self->Answer(std::move(response)); });
  };
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
