#include "quantize/statistics_codec.h"

#include <bit>
#include <cstring>

namespace ns {

static_assert(std::endian::native == std::endian::little);

namespace {

constexpr std::string_view kMagic = "nsst1";

class Writer {
 public:
  template <typename Value>
  void Raw(const Value& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  // Seven bits a byte, the lowest first; the eighth says that more follow.
  void Number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  // Small ones of either sign are short.
  void Signed(int64_t value) { Number((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  void Text(std::string_view text) {
    Number(text.size());
    bytes_.append(text);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_{kMagic};
};

// After a read beyond the end everything reads as 0, and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {
    ok_ = left_.starts_with(kMagic);
    if (ok_) left_.remove_prefix(kMagic.size());
  }
  template <typename Value>
  Value Raw() {
    Value value{};
    if (!Has(sizeof(value))) return value;
    std::memcpy(&value, left_.data(), sizeof(value));
    left_.remove_prefix(sizeof(value));
    return value;
  }
  uint64_t Number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && Has(1); shift += 7) {
      auto byte = static_cast<uint8_t>(left_[0]);
      left_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Signed() {
    uint64_t value = Number();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  // A count of things that take at least a byte each.
  size_t Count() {
    uint64_t count = Number();
    if (!Has(count)) return 0;
    return static_cast<size_t>(count);
  }
  std::string Text() {
    size_t size = Count();
    std::string text(left_.substr(0, size));
    left_.remove_prefix(size);
    return text;
  }
  void Fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool ended() const { return ok_ && left_.empty(); }

 private:
  bool Has(uint64_t bytes) {
    ok_ = ok_ && left_.size() >= bytes;
    return ok_;
  }
  std::string_view left_;
  bool ok_;
};

void Write(Range range, Writer* to) {
  to->Raw(range.min);
  to->Raw(range.max);
}

Range ReadRange(Reader* from) {
  Range range;
  range.min = from->Raw<float>();
  range.max = from->Raw<float>();
  return range;
}

}  // namespace

// Sees the observers' insides.
struct ObserverCodec {
  // A count, or 0 and how many zeros there are in a row.
  static void Write(const ValueHistogram& histogram, Writer* to) {
    to->Number(histogram.empty() ? 0 : 1);
    if (histogram.empty()) return;
    to->Signed(histogram.exponent_);
    const std::vector<int64_t>& counts = histogram.counts_;
    for (size_t i = 0; i < counts.size();) {
      size_t end = i;
      while (end < counts.size() && counts[end] == 0) ++end;
      to->Number(static_cast<uint64_t>(end == i ? counts[i] : 0));
      if (end > i) to->Number(end - i);
      i = end == i ? i + 1 : end;
    }
  }

  static ValueHistogram ReadHistogram(Reader* from) {
    ValueHistogram histogram;
    if (from->Number() == 0) return histogram;
    histogram.exponent_ = static_cast<int>(from->Signed());
    std::vector<int64_t>& counts = histogram.counts_;
    constexpr size_t kBins = 2 * ValueHistogram::kHalfBins;
    while (counts.size() < kBins && from->ok()) {
      uint64_t count = from->Number();
      uint64_t zeros = count == 0 ? from->Number() : 0;
      if (count == 0 && (zeros == 0 || zeros > kBins - counts.size())) from->Fail();
      if (!from->ok()) break;
      count == 0 ? counts.resize(counts.size() + zeros, 0) : counts.push_back(static_cast<int64_t>(count));
    }
    return histogram;
  }

  static void Write(const TensorObserver& observer, Writer* to) {
    to->Number((observer.options_.histogram ? 1U : 0U) | (observer.options_.batch_ranges ? 2U : 0U) | (observer.seen_ ? 4U : 0U));
    ns::Write(observer.range_, to);
    to->Number(observer.batches_.size());
    for (const auto& [batch, range] : observer.batches_) {
      to->Signed(batch);
      ns::Write(range, to);
    }
    Write(observer.histogram_, to);
  }

  static TensorObserver ReadTensorObserver(Reader* from) {
    uint64_t flags = from->Number();
    TensorObserver observer({(flags & 1) != 0, (flags & 2) != 0});
    observer.seen_ = (flags & 4) != 0;
    observer.range_ = ReadRange(from);
    size_t batches = from->Count();
    for (size_t i = 0; i < batches && from->ok(); ++i) {
      int64_t batch = from->Signed();
      observer.batches_[batch] = ReadRange(from);
    }
    observer.histogram_ = ReadHistogram(from);
    return observer;
  }

  static void Write(const ChannelObserver& observer, Writer* to) {
    to->Signed(observer.count_);
    to->Number(observer.min_.size());
    for (size_t c = 0; c < observer.min_.size(); ++c) {
      to->Raw(observer.min_[c]);
      to->Raw(observer.max_[c]);
      to->Raw(observer.sum_[c]);
    }
  }

  static ChannelObserver ReadChannelObserver(ChannelAxis axis, Reader* from) {
    ChannelObserver observer(axis);
    observer.count_ = from->Signed();
    size_t channels = from->Count();
    for (size_t c = 0; c < channels && from->ok(); ++c) {
      observer.min_.push_back(from->Raw<float>());
      observer.max_.push_back(from->Raw<float>());
      observer.sum_.push_back(from->Raw<__int128>());
    }
    return observer;
  }
};

std::string StatisticsToBytes(const Statistics& statistics) {
  Writer to;
  to.Number(statistics.values.size());
  for (const auto& [value, observer] : statistics.values) {
    to.Text(value);
    ObserverCodec::Write(observer, &to);
  }
  to.Number(statistics.channels.size());
  for (const auto& [key, observer] : statistics.channels) {
    to.Text(key.value);
    to.Number(key.axis == ChannelAxis::kLast ? 1 : 0);
    ObserverCodec::Write(observer, &to);
  }
  return to.Take();
}

Result<Statistics> StatisticsFromBytes(std::string_view bytes) {
  Reader from(bytes);
  Statistics statistics;
  size_t values = from.Count();
  for (size_t i = 0; i < values && from.ok(); ++i) {
    std::string value = from.Text();
    statistics.values.emplace(value, ObserverCodec::ReadTensorObserver(&from));
  }
  size_t channels = from.Count();
  for (size_t i = 0; i < channels && from.ok(); ++i) {
    ChannelKey key{from.Text(), from.Number() == 1 ? ChannelAxis::kLast : ChannelAxis::kSecond};
    ChannelObserver observer = ObserverCodec::ReadChannelObserver(key.axis, &from);
    statistics.channels.emplace(std::move(key), std::move(observer));
  }
  if (!from.ended()) return InvalidArgument("not statistics of calibration", "BAD_STATISTICS");
  return statistics;
}

}  // namespace ns
