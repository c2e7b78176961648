#include "outpost/courier.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/file.h"
#include "base/replace_file.h"
#include "base/tree.h"
#include "tasks/cache_folder.h"
#include "tasks/process_files.h"
#include "tasks/task_file.h"
#include "tasks/task_inputs.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

constexpr auto kBeat = std::chrono::seconds(2);
constexpr size_t kMostAtOnce = 1 << 20;
constexpr mode_t kToLook = S_IRUSR | S_IXUSR;

// From a byte on, at most kMostAtOnce; "" for a file that is not there. No link is followed: the worker may have put it there.
Result<std::string> ReadFrom(const fs::path& path, uint64_t from) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return errno == ENOENT ? Result<std::string>(std::string()) : ErrnoStatus(errno, fmt::format("cannot read '{}'", path.string()));
  std::string bytes(kMostAtOnce, '\0');
  ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(from));
  if (got < 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", path.string()));
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

std::string IdentityOf(const struct stat& info) { return fmt::format("{}:{}.{}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec); }

std::optional<std::string> ReadEntry(int folder, const char* name) {
  FileDescriptor file(::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) return std::nullopt;
  if (info.st_size < 0 || static_cast<uint64_t>(info.st_size) > kMaxCacheEntryBytes) return std::nullopt;
  std::string content(static_cast<size_t>(info.st_size), '\0');
  size_t read = 0;
  for (ssize_t got = 1; read < content.size() && got > 0; read += static_cast<size_t>(std::max<ssize_t>(0, got))) {
    got = ::read(file.get(), content.data() + read, content.size() - read);
  }
  if (read != content.size()) return std::nullopt;
  return content;
}

bool HasEnded(const fs::path& file, int fence, std::string* text) {
  *text = ReadFile(file, 64 << 10).value_or("");
  auto record = ParseExitRecord(*text);
  return record.ok() && record->attempt == fence;
}

}  // namespace

// What the worker was given is known already.
Courier::Courier(Places places, ServiceLine& line) : places_(std::move(places)), line_(line) {
  if (!places_.lead) return;
  std::error_code error;
  uint64_t size = fs::file_size(places_.worker / kEventsFileName, error);
  if (!error) events_sent_ = size;
  (void)WalkTree(places_.task / kNodeCacheFolderName, kToLook, [&](const TreeEntry& entry) {
    entries_[entry.name] = IdentityOf(entry.info);
    return true;
  });
}

void Courier::TakeEntry(int folder, const char* name, Status* status) {
  struct stat info {};
  if (!status->ok() || !IsCacheEntryName(name) || ::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  std::string& sent = entries_[name];
  if (sent == IdentityOf(info)) return;
  auto content = ReadEntry(folder, name);
  if (content) *status = line_.SendEntry(name, *content);
  if (status->ok()) sent = IdentityOf(info);
}

Status Courier::CarryEntries() {
  Status status;
  // Where the worker writes it, and where its supervisor puts it at the end.
  for (const fs::path& folder : {places_.worker / kWorkFolderName / kCacheFolderName, places_.task / kNodeCacheFolderName}) {
    std::error_code error;
    if (fs::symlink_status(folder, error).type() != fs::file_type::directory) continue;
    (void)WalkTree(folder, kToLook, [&](const TreeEntry& entry) {
      TakeEntry(entry.folder, entry.name, &status);
      return status.ok();
    });
  }
  return status;
}

Status Courier::CarryEvents() {
  while (true) {
    NS_ASSIGN_OR_RETURN(std::string lines, ReadFrom(places_.worker / kEventsFileName, events_sent_));
    NS_RETURN_IF_ERROR(CarryEntries());
    size_t end = lines.rfind('\n');
    bool too_long = end == std::string::npos && lines.size() == kMostAtOnce;  // no event is
    if (end == std::string::npos && !too_long) return OkStatus();
    if (!too_long) {
      lines.resize(end + 1);
      NS_RETURN_IF_ERROR(line_.SendEvents(lines).status());
    }
    events_sent_ += lines.size();
  }
}

Status Courier::CarryLog() {
  while (true) {
    NS_ASSIGN_OR_RETURN(std::string bytes, ReadFrom(places_.log, log_sent_));
    if (bytes.empty()) return OkStatus();
    NS_ASSIGN_OR_RETURN(uint64_t next, line_.SendLog(log_sent_, bytes));
    if (next <= log_sent_) return Internal("the service takes no more of the log", "LOG_REFUSED");
    log_sent_ = next;
  }
}

// What an address gave to the lead its assistants elsewhere get from the service.
Status Courier::CarryInputs() {
  std::error_code error;
  const fs::path inputs = places_.task / kInputsFolderName;
  if (inputs_sent_ || !fs::exists(inputs / "inputs.json", error)) return OkStatus();
  NS_RETURN_IF_ERROR(line_.SendFolder(kInputsFolderName, inputs));
  inputs_sent_ = true;
  return OkStatus();
}

Status Courier::SendBeat(bool due) {
  OutpostBeat beat;
  beat.pids = ReadFile(places_.worker / kPidFileName, 64 << 10).value_or("");
  if (places_.lead) beat.address = ReadFile(TeamAddressFile(places_.task), 64 << 10).value_or("");
  if (!due && beat.pids == told_pids_ && beat.address == told_address_) return OkStatus();
  NS_ASSIGN_OR_RETURN(OutpostBeat answer, line_.SendBeat(beat));
  beat_at_ = steady_clock::now() + kBeat;
  told_pids_ = beat.pids;
  told_address_ = beat.address;
  if (places_.lead || answer.address.empty() || answer.address == heard_address_) return OkStatus();
  NS_RETURN_IF_ERROR(ReplaceFile(TeamAddressFile(places_.worker), answer.address));
  heard_address_ = answer.address;
  return OkStatus();
}

Status Courier::Carry() {
  if (places_.lead) {
    NS_RETURN_IF_ERROR(CarryEvents());
    NS_RETURN_IF_ERROR(CarryInputs());
  }
  NS_RETURN_IF_ERROR(CarryLog());
  return SendBeat(steady_clock::now() >= beat_at_);
}

Status Courier::CarryEnd() {
  NS_RETURN_IF_ERROR(Carry());
  std::string exit_status;
  if (!HasEnded(places_.worker / kExitStatusFileName, places_.fence, &exit_status)) return OkStatus();
  std::error_code error;
  const fs::path result = places_.worker / kResultFolderName;
  if (places_.lead && !result_sent_ && fs::is_directory(result, error)) {
    NS_RETURN_IF_ERROR(line_.SendFolder(kResultFolderName, result));
    result_sent_ = true;
  }
  return line_.SendEnd(exit_status);
}

bool Courier::Beat() {
  if (steady_clock::now() < beat_at_) return true;
  Status status = CarryLog();
  if (status.ok()) status = SendBeat(true);
  beat_at_ = std::max(beat_at_, steady_clock::now() + kBeat / 2);
  return status.reason() != "GIVEN_UP";
}

}  // namespace ns
