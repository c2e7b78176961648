// Answers on their way out.
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <ctime>

#include "api/rest/connection.h"
#include "api/rest/file_answer.h"
#include "api/rest/gzip.h"
#include "api/rest/websocket_session.h"
#include "base/log.h"
#include "tasks/answers.h"

namespace ns {

namespace {

constexpr size_t kWorthGzip = 1024;  // bytes; below, a packet is a packet
constexpr std::chrono::seconds kLinger{2};

const std::string& DateNow() {
  thread_local std::time_t at = 0;
  thread_local std::string text;
  std::time_t now = std::time(nullptr);
  if (now != at) text = HttpDate(at = now);
  return text;
}

// A line break in a value would begin another header.
std::string OneLine(std::string value) {
  for (char& c : value) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return value;
}

std::string HeadText(const Response& response, std::optional<uint64_t> length, bool chunked, bool keep_alive, unsigned version) {
  auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  fmt::memory_buffer head;
  auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\nServer: neural_solution\r\nDate: {}\r\nX-Content-Type-Options: nosniff\r\n", response.status,
                 std::string_view(reason.data(), reason.size()), DateNow());
  bool empty = response.status == 204 || response.status == 304;
  if (!empty) fmt::format_to(out, "Content-Type: {}\r\n", response.content_type);
  for (const auto& [name, value] : response.headers) fmt::format_to(out, "{}: {}\r\n", name, OneLine(value));
  if (chunked) fmt::format_to(out, "Transfer-Encoding: chunked\r\n");
  if (length && !empty) fmt::format_to(out, "Content-Length: {}\r\n", *length);
  if (!keep_alive) fmt::format_to(out, "Connection: close\r\n");
  if (keep_alive && version < 11) fmt::format_to(out, "Connection: keep-alive\r\n");
  fmt::format_to(out, "\r\n");
  return fmt::to_string(head);
}

}  // namespace

void Connection::Answer(Response response) { Send(Prepare(std::move(response), keep_alive_)); }

// Opens the file of an answer and makes it the answer's source; its length, unless that is not known before.
std::optional<uint64_t> Connection::PrepareFile(Response& response, bool gzip) const {
  FileDescriptor file(::open(response.file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  FileFacts facts;
  if (file.valid() && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    facts = {static_cast<uint64_t>(info.st_size), int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
  }
  if (!file.valid()) {  // it was there when the handler looked, or never
    response.status = 404;
    response.content_type = "application/json";
    response.body = DetailJson("Not Found");
    return response.body.size();
  }
  FileAnswer answer;
  answer.from = std::min(response.file_from, facts.size);
  answer.length = facts.size - answer.from;
  if (response.file_is_final) answer = AnswerForFile(*request_, facts);
  if (response.file_is_final) response.status = answer.status;
  for (auto& header : answer.headers) response.headers.push_back(std::move(header));
  if (answer.status == 416) {
    response.content_type = "application/json";
    response.body = DetailJson("the range asked for is outside of the file");
    return response.body.size();
  }
  if (answer.length == 0) return 0;
  gzip = gzip && answer.length >= kWorthGzip;
  response.source = FileSource(std::move(file), answer.from, answer.length, gzip);
  if (!gzip) return answer.length;
  response.headers.emplace_back("Content-Encoding", "gzip");
  return std::nullopt;
}

// Its numbers, its id, and its line in the log.
void Connection::Count(Response& response) const {
  auto took = std::chrono::steady_clock::now() - began_;
  core_.metrics.Of(route_).Answered(response.status, took);
  std::string id = request_ != nullptr ? request_->Header("x-request-id") : "";
  if (!IsRequestId(id)) id = NewRequestId();
  LogLevel level = response.status >= 500 ? LogLevel::kError : LogLevel::kDebug;
  if (Logs(level)) {
    LogLine(level, "request", {{"id", id}, {"client", address_}, {"method", request_ != nullptr ? request_->method : ""},
                               {"path", request_ != nullptr ? request_->path : ""}, {"status", std::to_string(response.status)},
                               {"ms", fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(took).count())}});
  }
  response.headers.emplace_back("X-Request-Id", std::move(id));
}

Connection::Outgoing Connection::Prepare(Response response, bool keep_alive) const {
  Outgoing out;
  Count(response);
  out.keep_alive = keep_alive;
  out.heartbeat = std::move(response.heartbeat);
  out.websocket = response.websocket;
  out.source = response.source;
  if (out.websocket) return out;
  bool packs = WorthCompressing(response.content_type);
  bool gzip = packs && version_ >= 11 && request_ != nullptr && AcceptsGzip(request_->Header("accept-encoding"));
  if (packs) response.headers.emplace_back("Vary", "Accept-Encoding");
  std::optional<uint64_t> length;
  if (!response.file.empty()) {
    length = PrepareFile(response, gzip);
    out.source = response.source;
  } else if (response.source == nullptr) {
    if (gzip && response.body.size() >= kWorthGzip) {
      response.body = Gzip(response.body);
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
    length = response.body.size();
  }
  out.chunked = !length && version_ >= 11;
  if (!length && !out.chunked) out.keep_alive = false;  // its end is the connection's end
  out.text = HeadText(response, length, out.chunked, out.keep_alive, version_);
  if (!head_) out.text += response.body;
  if (head_) out.source = nullptr;
  return out;
}

void Connection::Send(Outgoing out) {
  out_ = std::move(out);
  stream_.tcp().expires_after(core_.options.read_timeout);
  if (out_.websocket) {
    stream_.tcp().expires_never();  // it has timers of its own
    return WebSocketSession::Start(std::move(stream_), tls_, place_, parser_->release(), std::move(out_.source), core_.pool);
  }
  if (out_.source != nullptr) return SendSource();
  asio::async_write(stream_, asio::buffer(out_.text), [self = shared_from_this()](Error error, size_t) {
    if (error) return self->Close();
    self->OnSent();
  });
}

void Connection::SendSource() {
  pump_ = SourcePump::Make(std::move(out_.source), stream_.get_executor(), core_.pool);
  ending_ = false;
  Beat();  // its timer keeps us alive while the source has nothing
  Write({}, [this] { NextPiece(); });
}

// Writes out_.text and `data`, then calls `then`.
void Connection::Write(std::string data, std::function<void()> then) {
  writing_ = true;
  chunk_ = std::move(data);
  stream_.tcp().expires_after(core_.options.read_timeout);
  std::string_view end = !out_.chunked || chunk_.empty() ? "" : ending_ ? "\r\n0\r\n\r\n" : "\r\n";
  std::array<asio::const_buffer, 3> buffers{asio::buffer(out_.text), asio::buffer(chunk_), asio::buffer(end)};
  asio::async_write(stream_, buffers, [self = shared_from_this(), then = std::move(then)](Error error, size_t) {
    self->writing_ = false;
    if (error) return self->Close();
    then();
  });
}

void Connection::NextPiece() {
  if (held_) return OnSourcePiece(*std::exchange(held_, std::nullopt));
  if (!ending_) {
    return pump_->Ask([weak = weak_from_this()](Piece piece) {
      if (auto self = weak.lock()) self->OnSourcePiece(std::move(piece));
    });
  }
  beat_.cancel();
  pump_->Stop();
  pump_.reset();
  OnSent();
}

void Connection::OnSourcePiece(Piece piece) {
  if (writing_) {  // a heartbeat
    held_ = std::move(piece);
    return;
  }
  if (piece.broken) return Close();
  ending_ = piece.last;
  out_.text.clear();
  if (out_.chunked && !piece.data.empty()) out_.text = fmt::format("{:x}\r\n", piece.data.size());
  if (out_.chunked && piece.data.empty() && piece.last) out_.text = "0\r\n\r\n";
  if (out_.text.empty() && piece.data.empty()) return NextPiece();
  Write(std::move(piece.data), [this] { NextPiece(); });
}

void Connection::Beat() {
  beat_.expires_after(core_.options.heartbeat);
  beat_.async_wait([self = shared_from_this()](Error error) {
    if (error || self->pump_ == nullptr) return;
    self->Beat();
    if (self->out_.heartbeat.empty() || self->writing_ || !self->pump_->waiting()) return;
    self->out_.text = self->out_.chunked ? fmt::format("{:x}\r\n", self->out_.heartbeat.size()) : "";
    self->Write(self->out_.heartbeat, [connection = self.get()] {
      if (connection->held_) connection->NextPiece();
    });
  });
}

void Connection::OnSent() {
  if (out_.keep_alive) return Read();
  stream_.tcp().expires_after(kLinger);
  if (!stream_.is_tls()) {
    Error ignored;
    stream_.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    return Linger();
  }
  stream_.tls().async_shutdown([self = shared_from_this()](Error) { self->Close(); });
}

// A client that still sends would lose our answer to a reset, were the connection closed at once: take what comes for a moment.
void Connection::Linger() {
  chunk_.resize(16 << 10);
  stream_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](Error error, size_t) {
    if (error) return self->Close();
    self->Linger();
  });
}

}  // namespace ns
