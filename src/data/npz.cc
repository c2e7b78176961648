#include "data/npz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "base/file.h"
#include "data/names.h"
#include "data/npy.h"
#include "data/zip.h"

namespace ns {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kInMemory = uint64_t{64} << 20;

// An open file without a name, with room for `size` bytes reserved: running out of disk later would kill the process.
Result<FileDescriptor> NamelessFile(uint64_t size) {
  std::error_code error;
  fs::path folder = fs::temp_directory_path(error);
  if (error) return ErrnoStatus(error.value(), "cannot find the temporary folder");
  std::string pattern = (folder / "ns-array-XXXXXX").string();
  FileDescriptor file(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot create a file in '{}'", folder.string()));
  ::unlink(pattern.c_str());
  int failed = ::posix_fallocate(file.get(), 0, static_cast<off_t>(size));
  if (failed != 0) return ErrnoStatus(failed, fmt::format("cannot unpack {} bytes in '{}'", size, folder.string()));
  return file;
}

// `size` > 0 writable bytes.
Result<std::shared_ptr<std::byte>> Allocate(uint64_t size) {
  FileDescriptor file;
  if (size >= kInMemory) {
    NS_ASSIGN_OR_RETURN(file, NamelessFile(size));
  }
  int flags = file.valid() ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file.get(), 0);
  if (memory == MAP_FAILED) return ErrnoStatus(errno, fmt::format("cannot unpack {} bytes", size));
  return std::shared_ptr<std::byte>(static_cast<std::byte*>(memory), [size](std::byte* p) { ::munmap(p, size); });
}

// The entry's content: in the archive where it is stored, else unpacked.
Result<std::pair<std::span<const std::byte>, std::shared_ptr<const void>>> Content(
    const ZipEntry& entry, const std::shared_ptr<const MappedFile>& archive) {
  if (!entry.deflated) {
    NS_RETURN_IF_ERROR(ExtractZipEntry(entry, nullptr));
    return std::pair(entry.data, std::shared_ptr<const void>(archive));
  }
  NS_ASSIGN_OR_RETURN(std::shared_ptr<std::byte> unpacked, Allocate(std::max<uint64_t>(entry.size, 1)));
  NS_RETURN_IF_ERROR(ExtractZipEntry(entry, unpacked.get()));
  return std::pair(std::span<const std::byte>(unpacked.get(), entry.size), std::shared_ptr<const void>(unpacked));
}

Result<Tensor> ReadArray(const ZipEntry& entry, const std::shared_ptr<const MappedFile>& archive) {
  NS_ASSIGN_OR_RETURN(auto content, Content(entry, archive));
  NS_ASSIGN_OR_RETURN(NpyHeader header, ParseNpyHeader(content.first, content.first.size()));
  return Tensor(TensorView{header.dtype, header.shape, content.first.data() + header.data_offset}, content.second);
}

}  // namespace

Result<NpzContent> ReadNpz(const fs::path& path, uint64_t max_inflated_bytes) {
  NS_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> archive, MappedFile::Open(path));
  std::string where = fmt::format("data set '{}'", path.string());
  Result<std::vector<ZipEntry>> entries = ReadZipDirectory(archive->bytes());
  if (!entries.ok()) return entries.status().WithContext(where);
  NpzContent content;
  uint64_t inflated = 0;
  for (const ZipEntry& entry : *entries) {
    std::string_view name = entry.name;
    if (!name.ends_with(".npy")) {
      content.unusable.emplace(name, InvalidArgument("it is not a NumPy array (.npy)", "UNSUPPORTED_ARRAY"));
      continue;
    }
    name.remove_suffix(4);
    inflated += entry.deflated ? entry.size : 0;
    if (inflated > max_inflated_bytes) {
      return InvalidArgument(fmt::format("{}: its arrays need more than the {} bytes allowed for unpacked data", where,
                                         max_inflated_bytes),
                             "ARRAY_TOO_LARGE");
    }
    Result<Tensor> array = ReadArray(entry, archive);
    if (array.ok()) {
      content.arrays.emplace(name, std::move(*array));
    } else if (array.status().reason() == "UNSUPPORTED_ARRAY") {
      content.unusable.emplace(name, array.status());
    } else {
      return array.status().WithContext(fmt::format("{}: array '{}'", where, Excerpt(name)));
    }
  }
  archive->DropPages();  // the checksums touched them all
  content.archive = std::move(archive);
  return content;
}

}  // namespace ns
