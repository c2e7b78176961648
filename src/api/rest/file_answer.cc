#include "api/rest/file_answer.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>

#include "api/rest/gzip.h"

namespace ns {

namespace {

constexpr size_t kPiece = 256 << 10;

class FileReader final : public BodySource {
 public:
  FileReader(FileDescriptor file, uint64_t from, uint64_t length, bool gzip) : file_(std::move(file)), at_(from), left_(length) {
    if (gzip) gzip_ = std::make_unique<GzipStream>();
  }

  std::optional<Piece> Read() override {
    Piece piece;
    piece.data.resize(std::min<uint64_t>(kPiece, left_));
    if (!piece.data.empty()) {
      ssize_t got = ::pread(file_.get(), piece.data.data(), piece.data.size(), static_cast<off_t>(at_));
      piece.broken = got <= 0;
      piece.data.resize(got <= 0 ? 0 : static_cast<size_t>(got));
    }
    at_ += piece.data.size();
    left_ -= piece.data.size();
    piece.last = left_ == 0;
    if (gzip_ && !piece.broken) piece.data = gzip_->Add(piece.data, piece.last);
    return piece;
  }

 private:
  FileDescriptor file_;
  uint64_t at_, left_;
  std::unique_ptr<GzipStream> gzip_;
};

struct Range {
  uint64_t first = 0, last = 0;  // inclusive
};

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

enum class RangeKind { kNone, kSome, kOutside };

// "bytes=A-B", "bytes=A-", "bytes=-N". Anything else is no range, as the standard wants.
RangeKind ParseRange(std::string_view text, uint64_t size, Range* range) {
  if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos) return RangeKind::kNone;
  text.remove_prefix(6);
  size_t dash = text.find('-');
  if (dash == std::string_view::npos) return RangeKind::kNone;
  auto first = Number(text.substr(0, dash)), last = Number(text.substr(dash + 1));
  bool open = dash + 1 == text.size();
  if (dash == 0) {
    if (!last) return RangeKind::kNone;
    if (*last == 0 || size == 0) return RangeKind::kOutside;
    *range = {size - std::min(size, *last), size - 1};
    return RangeKind::kSome;
  }
  if (!first || (!open && !last) || (last && *last < *first)) return RangeKind::kNone;
  if (*first >= size) return RangeKind::kOutside;
  *range = {*first, std::min(size - 1, last.value_or(size - 1))};
  return RangeKind::kSome;
}

// Whether a list of entity tags names this one ("*" names all); W/ makes no difference where it is asked for.
bool Lists(std::string_view list, std::string_view tag) { return list == "*" || list.find(tag) != std::string_view::npos; }

std::optional<int64_t> ParseHttpDate(const std::string& text) {
  std::tm tm{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &tm);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&tm);
}

bool HasItAlready(const Request& request, const std::string& tag, int64_t modified) {
  const std::string& none_match = request.Header("if-none-match");
  if (!none_match.empty()) return Lists(none_match, tag);
  auto since = ParseHttpDate(request.Header("if-modified-since"));
  return since && modified <= *since;
}

}  // namespace

std::string HttpDate(int64_t seconds) {
  std::time_t time = static_cast<std::time_t>(seconds);
  std::tm tm{};
  ::gmtime_r(&time, &tm);
  char text[64];
  size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);  // the program never leaves the "C" locale
  return {text, size};
}

FileAnswer AnswerForFile(const Request& request, const FileFacts& facts) {
  FileAnswer answer;
  int64_t modified = facts.modified_ns / 1'000'000'000;
  std::string tag = fmt::format("\"{:x}-{:x}\"", facts.size, facts.modified_ns), date = HttpDate(modified);
  answer.headers = {{"ETag", tag}, {"Last-Modified", date}, {"Accept-Ranges", "bytes"}};
  if (HasItAlready(request, tag, modified)) {
    answer.status = 304;
    return answer;
  }
  answer.length = facts.size;
  const std::string& condition = request.Header("if-range");
  if (!condition.empty() && condition != tag && condition != date) return answer;
  Range range;
  switch (ParseRange(request.Header("range"), facts.size, &range)) {
    case RangeKind::kNone: return answer;
    case RangeKind::kOutside:
      answer.status = 416;
      answer.length = 0;
      answer.headers.emplace_back("Content-Range", fmt::format("bytes */{}", facts.size));
      return answer;
    case RangeKind::kSome: break;
  }
  answer.status = 206;
  answer.from = range.first;
  answer.length = range.last - range.first + 1;
  answer.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", range.first, range.last, facts.size));
  return answer;
}

std::shared_ptr<BodySource> FileSource(FileDescriptor file, uint64_t from, uint64_t length, bool gzip) {
  return std::make_shared<FileReader>(std::move(file), from, length, gzip);
}

}  // namespace ns
