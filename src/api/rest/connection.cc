#include "api/rest/connection.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "api/rest/origin.h"
#include "api/rest/target.h"
#include "api/wire/http_status.h"
#include "base/log.h"
#include "tasks/answers.h"

namespace ns {

namespace {

constexpr uint32_t kMaxHeaderBytes = 16 << 10;

std::string AddressOf(beast::tcp_stream& stream) {
  Error error;
  auto endpoint = stream.socket().remote_endpoint(error);
  return error ? "" : endpoint.address().to_string();
}

template <typename Message>
bool AwaitsContinue(const Message& message) {
  return beast::iequals(message[http::field::expect], "100-continue");
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, ServerCore& core, std::shared_ptr<void> place)
    : place_(std::move(place)),
      tls_(core.Tls()),
      stream_(std::move(socket), tls_.get()),
      core_(core),
      address_(AddressOf(stream_.tcp())),
      beat_(stream_.get_executor()) {}

void Connection::Start() {
  if (!stream_.is_tls()) return Read();
  stream_.tcp().expires_after(core_.options.read_timeout);
  stream_.tls().async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](Error error) {
    if (error) return self->Close();
    self->Read();
  });
}

void Connection::Read() {
  request_.reset();
  route_ = nullptr;
  sink_parser_.reset();
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(boost::none);  // depends on the route, which is not known yet
  stream_.tcp().expires_after(first_ ? core_.options.read_timeout : core_.options.keep_alive_timeout);
  first_ = false;
  http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](Error error, size_t) { self->OnHeader(error); });
}

void Connection::OnHeader(Error error) {
  keep_alive_ = head_ = false;
  began_ = std::chrono::steady_clock::now();
  version_ = 11;
  if (error) return Refuse(error);
  const auto& message = parser_->get();
  version_ = message.version();
  head_ = message.method() == http::verb::head;
  auto target = ParseTarget(message.target());
  if (!target.ok()) return Answer(JsonResponse(400, DetailJson(target.status().message())));
  if (version_ >= 11 && message.count(http::field::host) != 1) {
    return Answer(JsonResponse(400, DetailJson("a request must have one Host header")));
  }
  TakeRequest(std::move(*target));
  // Refused before its body is read, a request ends its connection: what follows is not known to be a request.
  bool bare = parser_->is_done();
  keep_alive_ = bare && message.keep_alive();
  const Route* route = Admit() ? FindRoute() : nullptr;
  if (route == nullptr) return;
  route_ = route;
  keep_alive_ = message.keep_alive();
  if (route->stream) return OpenSink(*route);
  if (bare) return Run(*route);
  if (parser_->content_length().value_or(0) > core_.options.max_body_bytes) return Refuse(http::error::body_limit);
  parser_->body_limit(core_.options.max_body_bytes);  // of a body in chunks
  stream_.tcp().expires_after(core_.options.read_timeout);
  ContinueThen([self = shared_from_this(), route] { self->ReadBody(*route); });
}

// A request that cannot be read on.
void Connection::Refuse(Error error) {
  keep_alive_ = false;
  if (error == http::error::body_limit) {
    return Answer(JsonResponse(413, DetailJson(fmt::format("the body is larger than the {} bytes allowed", core_.options.max_body_bytes))));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Answer(JsonResponse(431, DetailJson(fmt::format("the header is larger than the {} bytes allowed", kMaxHeaderBytes))));
  }
  bool ours = error.category() == http::make_error_code(http::error::bad_method).category();
  if (!ours || error == http::error::end_of_stream || error == http::error::partial_message) return Close();
  Answer(JsonResponse(400, DetailJson("not an HTTP request: " + error.message())));
}

void Connection::TakeRequest(Target target) {
  request_ = std::make_shared<Request>();
  const auto& message = parser_->get();
  request_->method = message.method_string();
  request_->path = std::move(target.path);
  request_->segments = std::move(target.segments);
  request_->query = std::move(target.query);
  request_->tls = stream_.is_tls();
  for (const auto& field : message) request_->headers.emplace_back(field.name_string(), field.value());
}

// False when the request was answered with why not.
bool Connection::Admit() {
  if (!IsSameOrigin(*request_)) {
    Answer(JsonResponse(403, DetailJson("a page of another site may not do this: the request's Origin is not this service")));
    return false;
  }
  if (!core_.options.admit) {
    request_->caller = LocalCaller();
    return true;
  }
  auto caller = core_.options.admit(*request_, address_);
  if (!caller.ok()) Answer(ErrorResponse(caller.status()));
  if (caller.ok()) request_->caller = *std::move(caller);
  return caller.ok();
}

const Route* Connection::FindRoute() {
  Router::Match match = core_.router.Find(*request_);
  if (match.route != nullptr) return match.route;
  if (match.allowed.empty()) {
    Answer(JsonResponse(404, DetailJson("Not Found")));
    return nullptr;
  }
  Response response = JsonResponse(405, DetailJson("Method Not Allowed"));
  std::string allowed;
  for (const std::string& method : match.allowed) allowed += (allowed.empty() ? "" : ", ") + method;
  response.headers.emplace_back("Allow", allowed);
  Answer(std::move(response));
  return nullptr;
}

// Tells a client that waits for it to send the body.
void Connection::ContinueThen(std::function<void()> then) {
  if (!(parser_ ? AwaitsContinue(parser_->get()) : AwaitsContinue(sink_parser_->get()))) return then();
  static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(stream_, asio::buffer(kGoOn), [self = shared_from_this(), then = std::move(then)](Error error, size_t) {
    if (error) return self->Close();
    then();
  });
}

void Connection::ReadBody(const Route& route) {
  http::async_read(stream_, buffer_, *parser_, [self = shared_from_this(), &route](Error error, size_t) {
    if (error) return self->Refuse(error);
    self->request_->body = std::move(self->parser_->get().body());
    self->Run(route);
  });
}

void Connection::Run(const Route& route) {
  stream_.tcp().expires_never();  // the handler's time is not the client's
  auto respond = MakeResponder(keep_alive_);
  if (route.at_once && route.at_once(*request_, respond)) return;
  auto run = [&route, request = request_, respond = std::move(respond)] {
    try {
      route.handler(*request, respond);
    } catch (const std::exception& error) {  // of the standard library: no memory, a file system gone
      LogError("{} {}: {}", request->method, request->path, error.what());
      respond(JsonResponse(500, DetailJson("Internal Server Error")));
    }
  };
  if (route.blocking) {
    asio::post(core_.pool, std::move(run));
  } else {
    run();
  }
}

// What it is given is made ready on the calling thread, so that the network's thread does not compress or open files.
Responder Connection::MakeResponder(bool keep_alive) {
  auto answered = std::make_shared<std::atomic<bool>>(false);
  return [self = shared_from_this(), answered, keep_alive](Response response) {
    if (answered->exchange(true)) return;
    asio::dispatch(self->stream_.get_executor(), [self, out = self->Prepare(std::move(response), keep_alive)]() mutable { self->Send(std::move(out)); });
  };
}

void Connection::Close() {
  beat_.cancel();
  if (pump_) pump_->Stop();
  pump_.reset();
  sink_.reset();
  Error ignored;
  stream_.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.tcp().close();
}

}  // namespace ns
