#include "executors/relay.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "executors/relay_socket.h"

namespace ns {

namespace {

using std::chrono::steady_clock;

constexpr size_t kMostTargets = 16;

// What one side sent and the other has not got yet.
class Flow {
 public:
  explicit Flow(size_t size) : size_(size) {}
  bool wants_input() const { return !ended_ && end_ < size_; }
  bool has_output() const { return begin_ < end_; }
  bool done() const { return passed_on_; }

  // False: it failed.
  bool Read(int fd) {
    buffer_.resize(size_);  // not before something comes: most connections are quiet one way
    ssize_t got = ::recv(fd, buffer_.data() + end_, buffer_.size() - end_, 0);
    if (got > 0) end_ += static_cast<size_t>(got);
    if (got == 0) ended_ = true;
    return got >= 0 || errno == EAGAIN || errno == EINTR;
  }
  bool Write(int fd) {
    while (has_output()) {
      ssize_t sent = ::send(fd, buffer_.data() + begin_, end_ - begin_, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return errno == EAGAIN;
      begin_ += static_cast<size_t>(sent);
    }
    begin_ = end_ = 0;
    if (ended_ && !passed_on_) {
      passed_on_ = true;
      ::shutdown(fd, SHUT_WR);
    }
    return true;
  }

 private:
  size_t size_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
  bool ended_ = false, passed_on_ = false;
};

struct Side {
  FileDescriptor fd;
  uint32_t watched = 0;
  Flow out;  // what it sent
};

struct Pair {
  Side sides[2];  // who connected; where it leads
  RelayAddress to;
  std::vector<RelayAddress> more;  // where it may lead instead, while it is connecting
  bool connecting = true;
  steady_clock::time_point give_up = {};
};

class EpollRelay final : public Relay {
 public:
  EpollRelay(const RelayOptions& options, FileDescriptor epoll, FileDescriptor listener, RelayAddress address)
      : options_(options), epoll_(std::move(epoll)), listener_(std::move(listener)), address_(std::move(address)) {}

  const RelayAddress& address() const override { return address_; }
  void Run(int stop) override;

 private:
  static constexpr uint64_t kListener = 0, kStop = 1, kFirstPair = 2;

  bool Watch(int operation, int fd, uint32_t events, uint64_t data) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
  }
  std::vector<RelayAddress> Targets() const;
  bool Connect(Pair& pair);
  void Accept();
  void Open(FileDescriptor from);
  void Handle(uint64_t id, int side, uint32_t events);
  bool Connected(Pair& pair);
  static bool Pump(Pair& pair);
  void Rewatch(uint64_t id, Pair& pair);
  void Close(uint64_t id);
  void TryNext(uint64_t id, Pair& pair);
  void SetAccepting(bool accepting);
  int Expire();

  const RelayOptions options_;
  FileDescriptor epoll_, listener_;
  const RelayAddress address_;
  bool accepting_ = false;
  std::string answered_;  // the last address that did
  uint64_t last_ = kFirstPair;
  std::map<uint64_t, Pair> pairs_;  // the number, twice that in epoll's data, and one more for the second side
};

// The next to be tried is the last.
std::vector<RelayAddress> EpollRelay::Targets() const {
  if (options_.to_file.empty()) return {options_.to};
  std::istringstream lines(ReadFile(options_.to_file, 4096).value_or(""));
  std::vector<RelayAddress> targets;
  for (std::string line; targets.size() < kMostTargets && std::getline(lines, line);) {
    if (auto address = ParseRelayAddress(line); address.ok()) targets.push_back(*std::move(address));
  }
  std::reverse(targets.begin(), targets.end());
  std::stable_partition(targets.begin(), targets.end(), [this](const RelayAddress& one) { return one.ToString() != answered_; });
  return targets;
}

// Begins with the next address that can be tried. False: there is none.
bool EpollRelay::Connect(Pair& pair) {
  while (!pair.more.empty()) {
    pair.to = std::move(pair.more.back());
    pair.more.pop_back();
    auto fd = ConnectTo(pair.to);
    if (!fd.ok()) continue;
    TuneConnection(fd->get(), options_.silence_seconds);
    pair.sides[1].fd = std::move(*fd);  // what it replaces is watched no more when it is closed
    pair.sides[1].watched = 0;
    pair.give_up = steady_clock::now() + std::chrono::seconds(options_.connect_seconds);
    return true;
  }
  return false;
}

void EpollRelay::TryNext(uint64_t id, Pair& pair) {
  if (!Connect(pair)) return Close(id);
  Rewatch(id, pair);
}

void EpollRelay::SetAccepting(bool accepting) {
  if (accepting == accepting_) return;
  accepting_ = accepting;
  Watch(accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener_.get(), EPOLLIN, kListener);
}

void EpollRelay::Accept() {
  while (pairs_.size() < options_.connections) {
    FileDescriptor from(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (from.valid()) {
      Open(std::move(from));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return SetAccepting(pairs_.empty());  // again when one of ours has ended
    } else if (errno == EAGAIN) {
      return;
    }
  }
  SetAccepting(false);
}

void EpollRelay::Open(FileDescriptor from) {
  TuneConnection(from.get(), options_.silence_seconds);
  Pair pair{{{std::move(from), 0, Flow(options_.buffer_bytes)}, {{}, 0, Flow(options_.buffer_bytes)}}, {}, Targets()};
  if (!Connect(pair)) return;  // whoever connected sees the end, and tries again or not
  uint64_t id = ++last_;
  auto at = pairs_.emplace(id, std::move(pair)).first;
  Rewatch(id, at->second);
}

bool EpollRelay::Connected(Pair& pair) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(pair.sides[1].fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return false;
  pair.connecting = false;
  answered_ = pair.to.ToString();
  return true;
}

bool EpollRelay::Pump(Pair& pair) {
  for (int i : {0, 1}) {
    Side &from = pair.sides[i], &to = pair.sides[1 - i];
    if (from.out.wants_input() && !from.out.Read(from.fd.get())) return false;
    if (!from.out.Write(to.fd.get())) return false;
  }
  return !(pair.sides[0].out.done() && pair.sides[1].out.done());
}

void EpollRelay::Handle(uint64_t id, int side, uint32_t events) {
  auto found = pairs_.find(id);
  if (found == pairs_.end()) return;
  Pair& pair = found->second;
  bool good = (events & EPOLLERR) == 0;
  if (side == 1 && pair.connecting && !(good && Connected(pair))) return TryNext(id, pair);
  if (good && pair.connecting) good = (events & EPOLLHUP) == 0;
  if (good && !pair.connecting) good = Pump(pair);
  if (!good) return Close(id);
  Rewatch(id, pair);
}

// A side that has gone reports that without end, so it is left out where nothing is wanted of it.
void EpollRelay::Rewatch(uint64_t id, Pair& pair) {
  for (int i : {0, 1}) {
    Side &side = pair.sides[i], &other = pair.sides[1 - i];
    uint32_t events = 0;
    if (pair.connecting) {
      if (i == 1) events = EPOLLOUT;
    } else {
      if (side.out.wants_input()) events |= EPOLLIN;
      if (other.out.has_output()) events |= EPOLLOUT;
    }
    if (events == side.watched) continue;
    int operation = events == 0 ? EPOLL_CTL_DEL : side.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (!Watch(operation, side.fd.get(), events, 2 * id + static_cast<uint64_t>(i))) return Close(id);
    side.watched = events;
  }
}

void EpollRelay::Close(uint64_t id) {
  pairs_.erase(id);
  SetAccepting(true);
}

// Milliseconds until the next connection attempt is given up; -1: none is under way.
int EpollRelay::Expire() {
  auto now = steady_clock::now();
  std::optional<steady_clock::time_point> next;
  for (auto at = pairs_.begin(); at != pairs_.end();) {
    auto& [id, pair] = *at++;
    if (!pair.connecting) continue;
    if (pair.give_up <= now) {
      next = now;  // it may have begun anew
      TryNext(id, pair);
    } else if (!next || pair.give_up < *next) {
      next = pair.give_up;
    }
  }
  if (!next) return -1;
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(*next - now).count()) + 1;
}

void EpollRelay::Run(int stop) {
  if (stop >= 0 && !Watch(EPOLL_CTL_ADD, stop, EPOLLIN, kStop)) return;
  SetAccepting(true);
  epoll_event events[128];
  while (true) {
    int count = ::epoll_wait(epoll_.get(), events, 128, Expire());
    for (int i = 0; i < count; ++i) {
      uint64_t data = events[i].data.u64;
      if (data == kStop) return;
      if (data == kListener) {
        Accept();
      } else {
        Handle(data / 2, static_cast<int>(data % 2), events[i].events);
      }
    }
  }
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::Listen(const RelayOptions& options) {
  RelayAddress address;
  NS_ASSIGN_OR_RETURN(FileDescriptor listener, ListenAt(options.listen, &address));
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus(errno, "cannot relay");
  return std::unique_ptr<Relay>(new EpollRelay(options, std::move(epoll), std::move(listener), std::move(address)));
}

}  // namespace ns
