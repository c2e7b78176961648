#include "data/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "data/names.h"

namespace ns {

namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryHeader = 0x02014b50;
constexpr uint32_t kDirectoryEnd = 0x06054b50;
constexpr uint32_t kDirectoryEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kDirectoryEndSize = 22;
constexpr size_t kMaxComment = 65535;
constexpr uint64_t kMaxDeflateRatio = 1032;  // zlib's technical notes: no deflate stream expands more

template <typename T>
T Little(Bytes bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | static_cast<T>(bytes[at + i]) << (8 * i));
  return value;
}

Status Bad(std::string message) { return InvalidArgument(std::move(message), "BAD_FILE"); }

struct Directory {
  uint64_t entries = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// Where the end record lies: the last place with its signature and a comment that fills the rest.
std::optional<size_t> FindDirectoryEnd(Bytes archive) {
  if (archive.size() < kDirectoryEndSize) return std::nullopt;
  size_t last = archive.size() - kDirectoryEndSize;
  size_t first = last > kMaxComment ? last - kMaxComment : 0;
  for (size_t at = last + 1; at-- > first;) {
    if (Little<uint32_t>(archive, at) != kDirectoryEnd) continue;
    if (at + kDirectoryEndSize + Little<uint16_t>(archive, at + 20) == archive.size()) return at;
  }
  return std::nullopt;
}

Result<Directory> ReadDirectoryEnd64(Bytes archive, size_t end) {
  if (end < 20 || Little<uint32_t>(archive, end - 20) != kLocator64) {
    return Bad("zip archive without its zip64 locator");
  }
  auto at = Little<uint64_t>(archive, end - 12);
  if (at > end || end - at < 56 || Little<uint32_t>(archive, at) != kDirectoryEnd64) {
    return Bad("zip archive with a damaged zip64 directory");
  }
  return Directory{Little<uint64_t>(archive, at + 32), Little<uint64_t>(archive, at + 48),
                   Little<uint64_t>(archive, at + 40)};
}

Result<Directory> FindDirectory(Bytes archive) {
  std::optional<size_t> end = FindDirectoryEnd(archive);
  if (!end) return Bad("not a zip archive, or one that is cut off");
  Directory directory{Little<uint16_t>(archive, *end + 10), Little<uint32_t>(archive, *end + 16),
                      Little<uint32_t>(archive, *end + 12)};
  if (directory.entries == 0xFFFF || directory.offset == 0xFFFFFFFF || directory.size == 0xFFFFFFFF) {
    NS_ASSIGN_OR_RETURN(directory, ReadDirectoryEnd64(archive, *end));
  } else if (Little<uint16_t>(archive, *end + 4) != 0) {
    return Bad("zip archive in several parts");
  }
  if (directory.offset > *end || directory.size > *end - directory.offset) {
    return Bad("zip archive whose directory lies outside the file");
  }
  return directory;
}

// The 64-bit values of the zip64 extra field, in the order of the fields that say 0xFFFFFFFF.
Status ReadZip64Extra(Bytes extra, std::span<uint64_t* const> wanted) {
  if (wanted.empty()) return OkStatus();
  while (extra.size() >= 4) {
    size_t size = Little<uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    if (Little<uint16_t>(extra, 0) == 1) {
      if (size < wanted.size() * 8) break;
      for (size_t i = 0; i < wanted.size(); ++i) *wanted[i] = Little<uint64_t>(extra, 4 + i * 8);
      return OkStatus();
    }
    extra = extra.subspan(4 + size);
  }
  return Bad("its zip64 sizes are missing");
}

// Finds the data behind the local header, which must name the same entry.
Result<Bytes> LocateData(Bytes archive, const std::string& name, uint64_t local, uint64_t packed_size) {
  if (local > archive.size() || archive.size() - local < 30 || Little<uint32_t>(archive, local) != kLocalHeader) {
    return Bad("its header lies outside the file");
  }
  size_t name_size = Little<uint16_t>(archive, local + 26);
  uint64_t begin = local + 30 + name_size + Little<uint16_t>(archive, local + 28);
  if (begin > archive.size() || archive.size() - begin < packed_size) return Bad("its data lies outside the file");
  if (name_size != name.size() || std::memcmp(archive.data() + local + 30, name.data(), name_size) != 0) {
    return Bad("its header has another name");
  }
  return archive.subspan(begin, packed_size);
}

// One record of the directory: its fixed part has 46 bytes.
Result<ZipEntry> ReadEntry(Bytes archive, Bytes record) {
  ZipEntry entry;
  size_t name_size = Little<uint16_t>(record, 28);
  entry.name.assign(reinterpret_cast<const char*>(record.data()) + 46, name_size);
  entry.crc = Little<uint32_t>(record, 16);
  uint64_t packed = Little<uint32_t>(record, 20);
  entry.size = Little<uint32_t>(record, 24);
  uint64_t local = Little<uint32_t>(record, 42);
  std::vector<uint64_t*> wide;
  for (uint64_t* field : {&entry.size, &packed, &local}) {
    if (*field == 0xFFFFFFFF) wide.push_back(field);
  }
  NS_RETURN_IF_ERROR(ReadZip64Extra(record.subspan(46 + name_size), wide));
  uint16_t method = Little<uint16_t>(record, 10);
  if ((Little<uint16_t>(record, 8) & 1) != 0) return Bad("it is encrypted");
  if (method != 0 && method != 8) {
    return Bad(fmt::format("compression method {} is not read (stored and deflated are)", method));
  }
  entry.deflated = method == 8;
  NS_ASSIGN_OR_RETURN(entry.data, LocateData(archive, entry.name, local, packed));
  bool possible = entry.deflated ? entry.size / kMaxDeflateRatio <= packed : entry.size == packed;
  if (!possible) return Bad(fmt::format("its {} bytes can't hold {}", packed, entry.size));
  return entry;
}

// Overlapping entries are how a small archive holds much more than it should.
Status CheckNoOverlap(const std::vector<ZipEntry>& entries) {
  std::vector<const ZipEntry*> order;
  order.reserve(entries.size());
  for (const ZipEntry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->data.data() < b->data.data(); });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->data.data() + order[i - 1]->data.size() > order[i]->data.data()) {
      return Bad(fmt::format("zip archive whose entries '{}' and '{}' overlap", Excerpt(order[i - 1]->name),
                             Excerpt(order[i]->name)));
    }
  }
  return OkStatus();
}

Status Inflate(const ZipEntry& entry, std::byte* out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return ResourceExhausted("no memory to unpack", "OUT_OF_MEMORY");
  constexpr uint64_t kStep = 1 << 30;  // zlib counts in 32 bits
  uint64_t read = 0;
  uint64_t written = 0;
  std::byte spill{};  // where a stream that is longer than it says, or an entry of size 0, may write
  int code = Z_OK;
  while (code == Z_OK) {
    uint64_t in = std::min(kStep, entry.data.size() - read);
    uint64_t room = std::min(kStep, entry.size - written);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(entry.data.data() + read));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(room > 0 ? out + written : &spill);
    stream.avail_out = static_cast<uInt>(room > 0 ? room : 1);
    code = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    uint64_t got = (room > 0 ? room : 1) - stream.avail_out;
    written += got;
    if (written > entry.size) code = Z_DATA_ERROR;
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END || written != entry.size) return Bad("its compressed data is damaged");
  return OkStatus();
}

uint32_t Crc32(Bytes bytes) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Result<std::vector<ZipEntry>> ReadZipDirectory(Bytes archive) {
  NS_ASSIGN_OR_RETURN(Directory directory, FindDirectory(archive));
  Bytes records = archive.subspan(directory.offset, directory.size);
  std::vector<ZipEntry> entries;
  std::set<std::string> names;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    if (records.size() < 46 || Little<uint32_t>(records, 0) != kDirectoryHeader) {
      return Bad("zip archive with a damaged directory");
    }
    size_t name_size = Little<uint16_t>(records, 28);
    size_t extra_size = Little<uint16_t>(records, 30);
    size_t whole = 46 + name_size + extra_size + Little<uint16_t>(records, 32);
    if (records.size() < whole) return Bad("zip archive with a damaged directory");
    Result<ZipEntry> entry = ReadEntry(archive, records.first(46 + name_size + extra_size));
    std::string name(reinterpret_cast<const char*>(records.data()) + 46, name_size);
    if (!entry.ok()) return entry.status().WithContext(fmt::format("entry '{}' of the zip archive", Excerpt(name)));
    if (!names.insert(name).second) return Bad(fmt::format("zip archive with two entries '{}'", Excerpt(name)));
    entries.push_back(std::move(*entry));
    records = records.subspan(whole);
  }
  NS_RETURN_IF_ERROR(CheckNoOverlap(entries));
  return entries;
}

Status ExtractZipEntry(const ZipEntry& entry, std::byte* out) {
  std::string context = fmt::format("entry '{}' of the zip archive", Excerpt(entry.name));
  if (entry.deflated) {
    NS_RETURN_IF_ERROR(Inflate(entry, out).WithContext(context));
  } else if (out != nullptr && !entry.data.empty()) {
    std::memcpy(out, entry.data.data(), entry.data.size());
  }
  uint32_t crc = Crc32(entry.deflated ? Bytes(out, entry.size) : entry.data);
  if (crc != entry.crc) {
    return Bad(fmt::format("its checksum is {:08x}, {:08x} was recorded: the file is damaged", crc, entry.crc))
        .WithContext(context);
  }
  return OkStatus();
}

}  // namespace ns
