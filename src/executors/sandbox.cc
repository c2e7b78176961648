#include "executors/sandbox.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/file.h"
#include "base/subprocess.h"
#include "tasks/task_file.h"
#include "tasks/task_inputs.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kBubblewrap = "/usr/bin/bwrap";
constexpr uint64_t kSharedMemoryBytes = 64 << 20;
constexpr const char* kNobody = "65534";  // in every system's passwd; what the user namespace maps our own user to

// Each mount costs a fraction of a millisecond for every task: only what programs cannot do without.
constexpr const char* kSystemFolders[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
constexpr const char* kSystemFiles[] = {"/etc/ld.so.cache", "/etc/alternatives", "/etc/passwd",           "/etc/group",
                                        "/etc/localtime",   "/etc/nsswitch.conf", "/sys/devices/system"};
constexpr const char* kNetworkFiles[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/pip.conf"};
constexpr const char* kNetworkVariables[] = {"http_proxy",  "https_proxy",   "no_proxy",     "all_proxy",          "HTTP_PROXY",
                                             "HTTPS_PROXY", "NO_PROXY",      "ALL_PROXY",    "SSL_CERT_FILE",      "SSL_CERT_DIR",
                                             "PIP_CERT",    "PIP_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT",
                                             "REQUESTS_CA_BUNDLE"};
// Of the step that fetches alone: it runs none of the user's code, which may not see a token.
constexpr const char* kFetchVariables[] = {"HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"};
// Not of the user's concern, but a build with sanitizers needs them.
constexpr const char* kKeptVariables[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "TZ"};

class Arguments {
 public:
  template <typename... Words>
  void Add(const Words&... words) {
    (list_.emplace_back(words), ...);
  }
  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void AddSystem(Arguments& out) {
  out.Add("--ro-bind", "/usr", "/usr");
  for (const char* folder : kSystemFolders) {
    std::error_code error;
    fs::path target = fs::read_symlink(folder, error);
    if (!error) {
      out.Add("--symlink", target.string(), folder);
    } else if (fs::is_directory(folder, error)) {
      out.Add("--ro-bind", folder, folder);
    }
  }
  for (const char* file : kSystemFiles) out.Add("--ro-bind-try", file, file);
}

bool IsBelow(const fs::path& path, const fs::path& root) {
  auto [at, rest] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return at == root.end();
}

// Whether a folder of the profile holds what is to be hidden.
bool Shows(const SandboxProfile& profile, const fs::path& hidden) {
  return !hidden.empty() && std::any_of(profile.read_only.begin(), profile.read_only.end(), [&](const std::string& path) { return IsBelow(hidden, path); });
}

// The profile's folders; where one of them holds what is to be hidden, an empty folder lies over that.
void AddProfile(const SandboxRequest& request, Arguments& out) {
  const SandboxProfile& profile = request.profile;
  for (const std::string& path : profile.read_only) out.Add("--ro-bind-try", path, path);
  if (Shows(profile, request.hidden)) {
    out.Add("--tmpfs", request.hidden.string());
    for (const std::string& path : profile.read_only) {  // what lies inside of it by its own name
      if (path != request.hidden.string() && IsBelow(path, request.hidden)) out.Add("--ro-bind-try", path, path);
    }
  }
  for (const auto& folders : {profile.writable, profile.shared}) {
    for (const std::string& path : folders) out.Add("--bind-try", path, path);
  }
}

void AddTask(const SandboxRequest& request, Arguments& out) {
  std::string work = request.work_folder.string();
  std::string task = (request.task_folder / kTaskFileName).string(), events = (request.task_folder / kEventsFileName).string();
  std::string inputs = (request.task_folder / "inputs").string();  // what an earlier step fetched
  out.Add("--bind", work, work, "--ro-bind-try", task, task, "--bind-try", events, events);
  const auto& writable = request.profile.writable;
  if (std::find(writable.begin(), writable.end(), inputs) == writable.end()) out.Add("--ro-bind-try", inputs, inputs);
}

void Keep(const char* name, std::map<std::string, std::string>* environment) {
  if (const char* value = std::getenv(name)) environment->emplace(name, value);
}

// What `argv` writes to its output, and its end.
Result<ExitStatus> Capture(SpawnOptions spawn, std::string* output) {
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("neural_solution_probe_"));
  spawn.stdout_file = spawn.stderr_file = folder.path() / "output";
  NS_ASSIGN_OR_RETURN(ProcessId child, Spawn(spawn));
  NS_ASSIGN_OR_RETURN(ExitStatus exit, WaitChild(child.pid));
  NS_ASSIGN_OR_RETURN(*output, ReadFile(folder.path() / "output", 1 << 20));
  return exit;
}

}  // namespace

std::vector<std::string> SandboxCommand(const SandboxRequest& request) {
  Arguments out;
  out.Add(kBubblewrap, "--die-with-parent", "--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
          "--unshare-cgroup-try", "--uid", kNobody, "--gid", kNobody, "--hostname", "sandbox");
  if (!request.profile.network) out.Add("--unshare-net");
  AddSystem(out);
  if (request.profile.network) {
    for (const char* file : kNetworkFiles) out.Add("--ro-bind-try", file, file);
  }
  uint64_t shared = request.shared_memory_bytes > 0 ? request.shared_memory_bytes : kSharedMemoryBytes;
  out.Add("--proc", "/proc", "--dev", "/dev", "--size", std::to_string(shared), "--tmpfs", "/dev/shm");
  // First, as all else may lie below /tmp, too.
  out.Add("--bind", (request.work_folder / kScratchFolderName).string(), "/tmp");
  AddProfile(request, out);
  AddTask(request, out);
  auto self = ThisProgram();
  bool enter = request.processes > 0 && ::geteuid() != 0 && self.ok();  // the limit does not hold for root: sandbox.md
  if (enter) out.Add("--ro-bind", self->string(), self->string());
  if (Shows(request.profile, request.hidden)) out.Add("--remount-ro", request.hidden.string());  // it is memory that no limit counts
  out.Add("--remount-ro", "/", "--remount-ro", "/dev", "--chdir", request.work_folder.string(), "--");
  if (enter) out.Add(self->string(), "enter", "--processes", std::to_string(request.processes), "--");
  std::vector<std::string> all = out.Take();
  all.insert(all.end(), request.argv.begin(), request.argv.end());
  return all;
}

std::map<std::string, std::string> StepEnvironment(const Step& step, const fs::path& work_folder, bool sandboxed) {
  std::map<std::string, std::string> environment = step.environment;
  environment.emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  environment.emplace("HOME", work_folder.string());
  environment.emplace("LANG", "C.UTF-8");
  environment.emplace("TMPDIR", (work_folder / kScratchFolderName).string());
  for (const char* name : {"USER", "LOGNAME"}) environment.emplace(name, "nobody");
  for (const char* name : kKeptVariables) Keep(name, &environment);
  if (!sandboxed) Keep("LD_LIBRARY_PATH", &environment);
  if (step.sandbox.network) {
    for (const char* name : kNetworkVariables) Keep(name, &environment);
  }
  if (step.name == kFetchStepName) {
    for (const char* name : kFetchVariables) Keep(name, &environment);
  }
  return environment;
}

int EnterMain(int argc, char** argv) {
  if (argc < 6 || std::string_view(argv[2]) != "--processes" || std::string_view(argv[4]) != "--") return 127;
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = std::strtoull(argv[3], nullptr, 10);
  if (::setrlimit(RLIMIT_NPROC, &limit) == 0) ::execv(argv[5], argv + 5);
  std::fprintf(stderr, "neural_solution: cannot run '%s': %s\n", argv[5], std::strerror(errno));
  return 127;
}

Status CheckSandbox() {
  constexpr const char* kRemedy = "or give --sandbox none if you trust every model and script that is submitted";
  if (::access(kBubblewrap, X_OK) != 0) {
    return FailedPrecondition(fmt::format("bubblewrap isn't installed ({} is missing), and workers run in its sandbox: install the package "
                                          "'bubblewrap', {}", kBubblewrap, kRemedy), "NO_SANDBOX");
  }
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("neural_solution_probe_"));
  std::error_code ignored;
  fs::create_directory(folder.path() / kScratchFolderName, ignored);
  SpawnOptions spawn;
  spawn.argv = SandboxCommand({{}, folder.path(), folder.path(), {}, 0, 0, {"/bin/true"}});
  std::string output;
  NS_ASSIGN_OR_RETURN(ExitStatus exit, Capture(std::move(spawn), &output));
  if (exit.signal == 0 && exit.exit_code == 0) return OkStatus();
  std::string why = output.substr(0, std::min<size_t>(output.find('\n'), 300));
  return FailedPrecondition(fmt::format("bubblewrap can't make a sandbox here ({}): allow unprivileged user namespaces (sysctl "
                                        "user.max_user_namespaces and kernel.unprivileged_userns_clone; in a container, its security "
                                        "options), {}", why.empty() ? exit.ToString() : why, kRemedy), "NO_SANDBOX");
}

std::vector<std::string> LibraryFoldersOf(const fs::path& program) {
  std::vector<std::string> folders;
  SpawnOptions spawn;
  spawn.argv = {program.string()};
  spawn.set_environment["LD_TRACE_LOADED_OBJECTS"] = "1";  // the loader lists what it would load, and does not run it: what ldd does
  std::string output;
  auto exit = Capture(std::move(spawn), &output);
  std::istringstream lines(exit.ok() ? output : "");
  for (std::string line; std::getline(lines, line);) {
    size_t begin = line.find("=> /"), end = line.rfind(" (0x");
    if (begin == std::string::npos || end == std::string::npos || end < begin) continue;
    fs::path library = line.substr(begin + 3, end - begin - 3);
    std::string folder = library.parent_path().lexically_normal().string();
    bool system = IsBelow(folder, "/usr") || std::any_of(std::begin(kSystemFolders), std::end(kSystemFolders),
                                                         [&](const char* known) { return IsBelow(folder, known); });
    if (!system && std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(folder);
  }
  return folders;
}

}  // namespace ns
