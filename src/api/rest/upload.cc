// Bodies that go to a sink piece by piece.
#include <boost/asio/post.hpp>

#include "api/rest/connection.h"
#include "base/log.h"
#include "tasks/answers.h"

namespace ns {

namespace {
constexpr size_t kPiece = 256 << 10;
}

void Connection::OpenSink(const Route& route) {
  sink_parser_.emplace(std::move(*parser_));
  parser_.reset();
  stream_.tcp().expires_never();
  asio::post(core_.pool, [self = shared_from_this(), &route, request = request_] {
    Responder respond = self->MakeResponder(false);  // the body was not read: nothing may follow
    auto sink = std::make_shared<std::unique_ptr<BodySink>>();
    try {
      *sink = route.stream(*request, respond);
    } catch (const std::exception& error) {
      LogError("{} {}: {}", request->method, request->path, error.what());
      respond(JsonResponse(500, DetailJson("Internal Server Error")));
    }
    if (*sink == nullptr) return;
    asio::post(self->stream_.get_executor(), [self, sink] {
      self->sink_ = std::move(*sink);
      self->stream_.tcp().expires_after(self->core_.options.read_timeout);
      self->ContinueThen([self] { self->ReadPiece(); });
    });
  });
}

void Connection::ReadPiece() {
  chunk_.resize(kPiece);
  auto& body = sink_parser_->get().body();
  body.data = chunk_.data();
  body.size = chunk_.size();
  body.more = true;
  stream_.tcp().expires_after(core_.options.read_timeout);
  if (sink_parser_->is_done()) return OnPiece({});  // no body at all
  http::async_read_some(stream_, buffer_, *sink_parser_, [self = shared_from_this()](Error error, size_t) { self->OnPiece(error); });
}

void Connection::OnPiece(Error error) {
  if (error == http::error::need_buffer) error = {};
  chunk_.resize(chunk_.size() - sink_parser_->get().body().size);
  stream_.tcp().expires_never();
  asio::post(core_.pool, [self = shared_from_this(), error, done = sink_parser_->is_done()] {
    Responder respond = self->MakeResponder(done && self->keep_alive_);
    try {
      self->GivePiece(respond, error, done);
    } catch (const std::exception& failure) {
      LogError("the body of {} {}: {}", self->request_->method, self->request_->path, failure.what());
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

}  // namespace ns
