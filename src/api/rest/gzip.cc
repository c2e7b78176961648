#include "api/rest/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "base/status.h"

namespace ns {

namespace {

constexpr int kLevel = 3;              // on JSON and logs twice as fast as the usual 6, and a tenth larger
constexpr int kGzipWindow = 15 + 16;   // zlib: 16 more for the gzip format
constexpr int kMemoryLevel = 7;        // 128 KiB a stream

std::string_view Trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// q=0 in any spelling.
bool Refuses(std::string_view parameters) {
  size_t q = parameters.find("q=");
  return q != std::string_view::npos && std::strtod(std::string(parameters.substr(q + 2)).c_str(), nullptr) <= 0;
}

}  // namespace

bool AcceptsGzip(std::string_view header) {
  bool any = false, refused = false;
  while (!header.empty()) {
    size_t comma = header.find(',');
    std::string_view item = header.substr(0, comma);
    size_t semicolon = item.find(';');
    std::string_view name = Trimmed(item.substr(0, semicolon));
    bool no = semicolon != std::string_view::npos && Refuses(item.substr(semicolon));
    if (name == "gzip" || name == "x-gzip") return !no;
    if (name == "*") (no ? refused : any) = true;
    if (comma == std::string_view::npos) break;
    header.remove_prefix(comma + 1);
  }
  return any && !refused;
}

bool WorthCompressing(std::string_view type) {
  return type.starts_with("application/json") || (type.starts_with("text/") && !type.starts_with("text/event-stream"));
}

struct GzipStream::State {
  z_stream stream{};
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
  int code = deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY);
  NS_CHECK(code == Z_OK, "deflateInit2: {}", code);
}

GzipStream::~GzipStream() { deflateEnd(&state_->stream); }

std::string GzipStream::Add(std::string_view data, bool last) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out;
  int code = Z_OK;
  do {
    size_t have = out.size();
    out.resize(have + std::max<size_t>(512, data.size() / 4));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + have);
    stream.avail_out = static_cast<uInt>(out.size() - have);
    code = deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out);
  } while (last ? code == Z_OK || code == Z_BUF_ERROR : stream.avail_out == 0);
  return out;
}

std::string Gzip(std::string_view data) { return GzipStream().Add(data, true); }

}  // namespace ns
