#include "service/external_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "base/file.h"
#include "tasks/outpost_files.h"

namespace ns {

namespace {

constexpr int kDeepest = 64;  // graphs in attributes of graphs

struct Span {
  uint64_t begin = 0, end = 0;  // bytes of the file
};

// A file read piece by piece: it may be large, and may change meanwhile.
class Source {
 public:
  explicit Source(FileDescriptor file) : file_(std::move(file)) {}

  std::optional<unsigned char> At(uint64_t offset) {
    if (offset < begin_ || offset - begin_ >= piece_.size()) Read(offset);
    if (offset < begin_ || offset - begin_ >= piece_.size()) return std::nullopt;
    return static_cast<unsigned char>(piece_[offset - begin_]);
  }
  // "" for more than a location may have.
  std::string Text(Span span) {
    std::string text;
    for (uint64_t at = span.begin; span.end - span.begin <= kLongest && at < span.end; ++at) {
      auto byte = At(at);
      if (!byte) return "";
      text += static_cast<char>(*byte);
    }
    return text;
  }

 private:
  static constexpr uint64_t kLongest = 4096;
  void Read(uint64_t offset) {
    begin_ = offset;
    piece_.resize(64 << 10);
    ssize_t got = ::pread(file_.get(), piece_.data(), piece_.size(), static_cast<off_t>(offset));
    piece_.resize(static_cast<size_t>(std::max<ssize_t>(0, got)));
  }

  FileDescriptor file_;
  uint64_t begin_ = 0;
  std::string piece_;
};

struct Field {
  uint64_t number = 0;
  Span bytes;  // of a length-delimited one; else empty
};

// A message's fields, one after another (protobuf's wire format).
class Fields {
 public:
  Fields(Source& source, Span message) : source_(source), rest_(message) {}

  // None at the end, and where it is no message.
  std::optional<Field> Next() {
    auto key = Varint();
    if (!key) return std::nullopt;
    Field field{*key >> 3, {}};
    switch (*key & 7) {
      case 0: return Varint() ? std::optional(field) : std::nullopt;
      case 1: return Skip(8) ? std::optional(field) : std::nullopt;
      case 5: return Skip(4) ? std::optional(field) : std::nullopt;
      case 2: {
        auto size = Varint();
        field.bytes.begin = rest_.begin;
        if (!size || !Skip(*size)) return std::nullopt;
        field.bytes.end = rest_.begin;
        return field;
      }
      default: return std::nullopt;
    }
  }

 private:
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && rest_.begin < rest_.end; shift += 7) {
      auto byte = source_.At(rest_.begin++);
      if (!byte) return std::nullopt;
      value |= uint64_t{*byte & 0x7fu} << shift;
      if (*byte < 0x80) return value;
    }
    return std::nullopt;
  }
  bool Skip(uint64_t bytes) {
    if (rest_.end - rest_.begin < bytes) return false;
    rest_.begin += bytes;
    return true;
  }

  Source& source_;
  Span rest_;
};

// By onnx.proto's field numbers.
class Finder {
 public:
  explicit Finder(Source& source) : source_(source) {}

  // ModelProto: graph 7, functions 25.
  void Model(Span message) {
    Each(message, [&](const Field& field) {
      if (field.number == 7) Graph(field.bytes, 0);
      if (field.number == 25) Each(field.bytes, [&](const Field& part) { if (part.number == 7) Node(part.bytes, 0); });  // FunctionProto: node 7
    });
  }
  std::set<std::string> found;

 private:
  template <typename Visit>
  void Each(Span message, Visit visit) {
    Fields fields(source_, message);
    while (auto field = fields.Next()) visit(*field);
  }
  // GraphProto: node 1, initializer 5, sparse_initializer 15.
  void Graph(Span message, int depth) {
    if (depth > kDeepest) return;
    Each(message, [&](const Field& field) {
      if (field.number == 1) Node(field.bytes, depth);
      if (field.number == 5) Tensor(field.bytes);
      if (field.number == 15) Sparse(field.bytes);
    });
  }
  // NodeProto: attribute 5. AttributeProto: t 5, g 6, tensors 10, graphs 11, sparse_tensor 22, sparse_tensors 23.
  void Node(Span message, int depth) {
    Each(message, [&](const Field& attribute) {
      if (attribute.number != 5) return;
      Each(attribute.bytes, [&](const Field& field) {
        if (field.number == 5 || field.number == 10) Tensor(field.bytes);
        if (field.number == 6 || field.number == 11) Graph(field.bytes, depth + 1);
        if (field.number == 22 || field.number == 23) Sparse(field.bytes);
      });
    });
  }
  // SparseTensorProto: values 1, indices 2.
  void Sparse(Span message) {
    Each(message, [&](const Field& field) { if (field.number == 1 || field.number == 2) Tensor(field.bytes); });
  }
  // TensorProto: external_data 13, of StringStringEntryProto: key 1, value 2.
  void Tensor(Span message) {
    Each(message, [&](const Field& entry) {
      if (entry.number != 13) return;
      std::string key, value;
      Each(entry.bytes, [&](const Field& part) {
        if (part.number == 1) key = source_.Text(part.bytes);
        if (part.number == 2) value = source_.Text(part.bytes);
      });
      while (value.starts_with("./")) value.erase(0, 2);
      if (key == "location" && IsSafeTarget(value)) found.insert(value);
    });
  }

  Source& source_;
};

}  // namespace

Result<std::vector<std::string>> ExternalDataOf(const std::filesystem::path& model) {
  FileDescriptor file(::open(model.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", model.string()));
  Source source(std::move(file));
  Finder finder(source);
  finder.Model({0, static_cast<uint64_t>(info.st_size)});
  return std::vector<std::string>(finder.found.begin(), finder.found.end());
}

}  // namespace ns
