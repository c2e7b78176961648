// Compressed answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ns {

// Whether an Accept-Encoding header takes gzip (RFC 9110, 12.5.3).
bool AcceptsGzip(std::string_view accept_encoding);
// JSON and text; not what is compressed already, nor a stream of events, whose pieces must not wait in a compressor.
bool WorthCompressing(std::string_view content_type);

// The gzip format, piece by piece.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  // What there is of the compressed form after these bytes; all of it when `last`.
  std::string Add(std::string_view data, bool last);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Gzip(std::string_view data);

}  // namespace ns
