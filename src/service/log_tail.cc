#include "service/log_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace ns {

namespace {

// Bytes of the UTF-8 character that begins here, if it is a whole one; 0: it is none; -1: its end is missing.
int CharacterAt(std::string_view text) {
  auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  int size = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  for (int i = 1; i < size; ++i) {
    if (static_cast<size_t>(i) == text.size()) return -1;
    unsigned char low = i > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = i > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(static_cast<size_t>(i)) < low || byte(static_cast<size_t>(i)) > high) return 0;
  }
  return size;
}

// Appends it to `out`; an unfinished character at the end is left (unless `whole`). Returns how much was taken.
size_t AppendUtf8(std::string_view text, bool whole, std::string* out) {
  size_t at = 0;
  while (at < text.size()) {
    int size = CharacterAt(text.substr(at));
    if (size < 0 && !whole) break;
    if (size > 0) {
      out->append(text.substr(at, static_cast<size_t>(size)));
      at += static_cast<size_t>(size);
    } else {
      out->append("\xEF\xBF\xBD");
      ++at;
    }
  }
  return at;
}

}  // namespace

// False when there is nothing new in the file.
bool LogTail::Fill() {
  if (!file_.valid()) file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_.valid() || held_.size() >= kPiece) return false;
  size_t have = held_.size();
  held_.resize(kPiece);
  ssize_t got = ::pread(file_.get(), held_.data() + have, kPiece - have, static_cast<off_t>(at_));
  held_.resize(have + static_cast<size_t>(std::max<ssize_t>(0, got)));
  at_ += held_.size() - have;
  return held_.size() > have;
}

// Drops the lines to be left out; false when they are not all there yet.
bool LogTail::Skip() {
  while (skip_ > 0) {
    size_t begin = 0;
    for (size_t end; skip_ > 0 && (end = held_.find('\n', begin)) != std::string::npos; --skip_) begin = end + 1;
    held_.erase(0, skip_ > 0 ? std::string::npos : begin);
    if (skip_ > 0 && !Fill()) return false;
  }
  return true;
}

LogTail::Lines LogTail::Take(size_t size, bool whole) {
  Lines lines;
  lines.whole = whole;
  lines.text.reserve(size);
  size_t taken = AppendUtf8(std::string_view(held_).substr(0, size), whole, &lines.text);
  held_.erase(0, taken);
  inside_ = !whole;
  return lines;
}

std::optional<LogTail::Lines> LogTail::Read(bool ended) {
  (void)Fill();
  if (!Skip()) return std::nullopt;
  (void)Fill();
  size_t end = held_.rfind('\n');
  if (end != std::string::npos) {
    Lines lines = Take(end, true);
    held_.erase(0, 1);
    return lines;
  }
  if (held_.size() >= kPiece) return Take(held_.size(), false);
  if (ended && (!held_.empty() || inside_)) return Take(held_.size(), true);
  return std::nullopt;
}

}  // namespace ns
