#include "data/npy.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "data/names.h"

namespace ns {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 1 << 16;

Status Bad(std::string message) { return InvalidArgument(std::move(message), "BAD_FILE"); }
Status Unsupported(std::string message) { return InvalidArgument(std::move(message), "UNSUPPORTED_ARRAY"); }

// The header is a Python dict of three known keys; this reads just that.
class DictParser {
 public:
  explicit DictParser(std::string_view text) : rest_(text) {}

  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::string> String() {
    SkipSpace();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) return std::nullopt;
    size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string value(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return value;
  }
  // A tuple of sizes: (), (3,), (3, 4). Python 2 wrote 3L.
  std::optional<Shape> Sizes() {
    if (!Take('(')) return std::nullopt;
    Shape shape;
    while (!Take(')')) {
      SkipSpace();
      int64_t size = 0;
      auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0) return std::nullopt;
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      (void)TakeWord("L");
      shape.push_back(size);
      if (!Take(',') && (rest_.empty() || rest_.front() != ')')) return std::nullopt;
    }
    return shape;
  }
  bool at_end() {
    SkipSpace();
    return rest_.empty();
  }
  bool next_is(char c) {
    SkipSpace();
    return !rest_.empty() && rest_.front() == c;
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }
  std::string_view rest_;
};

struct Fields {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

Result<Fields> ParseFields(std::string_view text) {
  Fields fields;
  DictParser parser(text);
  if (!parser.Take('{')) return Bad("the header of the array is not a Python dict");
  while (!parser.Take('}')) {
    std::optional<std::string> key = parser.String();
    if (!key || !parser.Take(':')) return Bad("the header of the array is damaged");
    if (*key == "descr") {
      if (parser.next_is('[') || parser.next_is('(')) {
        return Unsupported("it is a structured array; a plain array of numbers is needed");
      }
      fields.descr = parser.String();
      if (!fields.descr) return Bad("the header of the array has no type in 'descr'");
    } else if (*key == "fortran_order") {
      if (parser.TakeWord("True")) {
        fields.fortran_order = true;
      } else if (parser.TakeWord("False")) {
        fields.fortran_order = false;
      }
    } else if (*key == "shape") {
      fields.shape = parser.Sizes();
    } else {
      return Bad(fmt::format("the header of the array has an unknown field '{}'", Excerpt(*key)));
    }
    if (!parser.Take(',') && !parser.next_is('}')) return Bad("the header of the array is damaged");
  }
  if (!fields.descr || !fields.fortran_order || !fields.shape) {
    return Bad("the header of the array lacks descr, fortran_order or shape");
  }
  if (!parser.at_end()) return Bad("the header of the array is damaged");
  return fields;
}

Result<DType> ParseDescr(std::string_view descr) {
  struct Known {
    std::string_view code;
    DType dtype;
  };
  static constexpr Known kKnown[] = {{"b1", DType::kBool},    {"i1", DType::kInt8},   {"u1", DType::kUint8},
                                     {"i2", DType::kInt16},   {"u2", DType::kUint16}, {"i4", DType::kInt32},
                                     {"u4", DType::kUint32},  {"i8", DType::kInt64},  {"u8", DType::kUint64},
                                     {"f2", DType::kFloat16}, {"f4", DType::kFloat},  {"f8", DType::kDouble}};
  if (descr.size() >= 2) {
    char order = descr.front();
    std::string_view code = descr.substr(1);
    for (const Known& known : kKnown) {
      if (code != known.code) continue;
      if (order == '<' || ((order == '|' || order == '=') && (order == '=' || code.back() == '1'))) return known.dtype;
      if (order == '>') {
        return code.back() == '1'
                   ? Result<DType>(known.dtype)
                   : Unsupported("it is big-endian; save it with .astype(array.dtype.newbyteorder('<'))");
      }
    }
    if (code.front() == 'O') return Unsupported("it holds Python objects; save an array of numbers");
    if (code.front() == 'U' || code.front() == 'S') return Unsupported("it holds strings; save an array of numbers");
  }
  return Unsupported(fmt::format("its type '{}' is no plain number", Excerpt(descr)));
}

// Bytes of the elements. Zero sizes count as 1 in the overflow check, so that any part of the product is safe too.
Result<uint64_t> ByteSize(const Shape& shape, DType dtype) {
  int64_t product = static_cast<int64_t>(DTypeSize(dtype));
  bool empty = false;
  for (int64_t size : shape) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(product, std::max<int64_t>(size, 1), &product)) {
      return Bad(fmt::format("the array's shape {} is too large", ShapeToString(shape)));
    }
  }
  return empty ? 0 : static_cast<uint64_t>(product);
}

}  // namespace

Result<NpyHeader> ParseNpyHeader(std::span<const std::byte> file, uint64_t file_size) {
  if (file.size() < 10 || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0) {
    return Bad("it is not a NumPy array (.npy)");
  }
  auto major = static_cast<int>(file[6]);
  if (major < 1 || major > 3) return Bad(fmt::format("NumPy array format {} is not known (1 to 3 are)", major));
  size_t length_bytes = major == 1 ? 2 : 4;
  if (file.size() < 8 + length_bytes) return Bad("the header of the array is cut off");
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length |= static_cast<size_t>(file[8 + i]) << (8 * i);
  size_t begin = 8 + length_bytes;
  if (length > kMaxHeader || length > file.size() - begin) return Bad("the header of the array is cut off");
  NS_ASSIGN_OR_RETURN(Fields fields, ParseFields({reinterpret_cast<const char*>(file.data()) + begin, length}));
  NpyHeader header;
  NS_ASSIGN_OR_RETURN(header.dtype, ParseDescr(*fields.descr));
  header.shape = *fields.shape;
  header.data_offset = begin + length;
  if (*fields.fortran_order) {
    return Unsupported("it lies in column-major (Fortran) order; save it with np.ascontiguousarray(array)");
  }
  NS_ASSIGN_OR_RETURN(uint64_t bytes, ByteSize(header.shape, header.dtype));
  if (file_size - header.data_offset != bytes) {
    return Bad(fmt::format("its shape {} of {} needs {} bytes, there are {}", ShapeToString(header.shape),
                           DTypeName(header.dtype), bytes, file_size - header.data_offset));
  }
  return header;
}

}  // namespace ns
