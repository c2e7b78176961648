// Over loopback: unix socket, relay, TCP, relay, unix socket, as between an assistant and a lead on two machines.
#include "executors/relay.h"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "base/file.h"
#include "executors/relay_socket.h"

namespace ns {
namespace {

RelayAddress At(std::string_view text) { return ParseRelayAddress(text).value(); }

// A relay in a thread.
class Running {
 public:
  explicit Running(const RelayOptions& options) : relay_(Relay::Listen(options).value()), stop_(::eventfd(0, EFD_CLOEXEC)) {
    thread_ = std::thread([this] { relay_->Run(stop_.get()); });
  }
  ~Running() {
    uint64_t one = 1;
    EXPECT_EQ(::write(stop_.get(), &one, sizeof(one)), 8);
    thread_.join();
  }
  std::string address() const { return relay_->address().ToString(); }

 private:
  std::unique_ptr<Relay> relay_;
  FileDescriptor stop_;
  std::thread thread_;
};

// Waits until something can be done, then lets the descriptor wait as others do.
void Block(int fd) {
  int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

FileDescriptor Dial(std::string_view address) {
  FileDescriptor fd = ConnectTo(At(address)).value();
  pollfd wait{fd.get(), POLLOUT, 0};
  EXPECT_EQ(::poll(&wait, 1, 10'000), 1);
  Block(fd.get());
  return fd;
}

void Send(int fd, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    ssize_t sent = ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    at += static_cast<size_t>(sent);
  }
}

// Until the other side's end, or `most` bytes.
std::string Receive(int fd, size_t most = SIZE_MAX) {
  std::string text;
  char buffer[1 << 16];
  while (text.size() < most) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, 20'000) != 1) {
      ADD_FAILURE() << "nothing comes";
      break;
    }
    ssize_t got = ::recv(fd, buffer, std::min(sizeof(buffer), most - text.size()), 0);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

std::string Random(size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint64_t value = random();
    std::copy_n(reinterpret_cast<char*>(&value), 8, text.data() + i);
  }
  return text;
}

class RelayTest : public testing::Test {
 protected:
  RelayTest() : lead_(ListenAt(At(Unix("lead")), &lead_address_).value()) { Block(lead_.get()); }
  std::string Unix(const std::string& name) { return "unix:" + (folder_.path() / name).string(); }
  FileDescriptor Accept() {
    pollfd wait{lead_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 20'000), 1);
    return FileDescriptor(::accept4(lead_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  RelayOptions From(const std::string& listen, const std::string& to) {
    RelayOptions options;
    options.listen = At(listen);
    options.to = At(to);
    return options;
  }

  TempDir folder_ = TempDir::Create("ns_relay_").value();
  RelayAddress lead_address_;
  FileDescriptor lead_;
};

TEST_F(RelayTest, MegabytesGoBothWaysAndEndsArePassedOnOneByOne) {
  Running far(From("tcp:127.0.0.1:0", Unix("lead")));
  Running near(From(Unix("near"), far.address()));
  FileDescriptor assistant = Dial(Unix("near")), lead = Accept();
  const std::string up = Random(16 << 20, 1), down = Random(16 << 20, 2);
  std::thread sends([&] {
    Send(assistant.get(), up);
    ::shutdown(assistant.get(), SHUT_WR);
  });
  std::string got_up, got_down;
  std::thread hears([&] { got_up = Receive(lead.get()); });
  std::thread hears_back([&] { got_down = Receive(assistant.get(), down.size() / 2); });
  Send(lead.get(), down.substr(0, down.size() / 2));
  sends.join();
  hears.join();
  hears_back.join();
  EXPECT_TRUE(got_up == up);
  // The assistant's side has ended, the lead's has not.
  std::thread rest([&] {
    Send(lead.get(), down.substr(down.size() / 2));
    lead.reset();
  });
  got_down += Receive(assistant.get());
  rest.join();
  EXPECT_TRUE(got_down == down);
}

TEST_F(RelayTest, ManyConnectionsDoNotDisturbEachOther) {
  Running far(From("tcp:127.0.0.1:0", Unix("lead")));
  std::thread echo([&] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 50; ++i) {
      threads.emplace_back([connection = Accept()] {
        std::string text = Receive(connection.get());
        Send(connection.get(), text);
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  std::vector<FileDescriptor> connections;
  for (int i = 0; i < 50; ++i) connections.push_back(Dial(far.address()));
  for (unsigned i = 0; i < 50; ++i) {
    Send(connections[i].get(), Random(100'000, i));
    ::shutdown(connections[i].get(), SHUT_WR);
  }
  for (unsigned i = 0; i < 50; ++i) EXPECT_TRUE(Receive(connections[i].get()) == Random(100'000, i)) << i;
  echo.join();
}

TEST_F(RelayTest, WhoDoesNotReadHoldsUpTheSenderNotTheRelay) {
  RelayOptions options = From("tcp:127.0.0.1:0", Unix("lead"));
  options.buffer_bytes = 4096;
  Running relay(options);
  FileDescriptor slow = Dial(relay.address()), unread = Accept();
  int flags = ::fcntl(slow.get(), F_GETFL);
  ::fcntl(slow.get(), F_SETFL, flags | O_NONBLOCK);
  std::string piece(1 << 16, 'x');
  size_t taken = 0;
  for (int idle = 0; idle < 20;) {
    ssize_t sent = ::send(slow.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent > 0) taken += static_cast<size_t>(sent), idle = 0;
    if (sent < 0) ++idle, ::usleep(10'000);
    ASSERT_LT(taken, size_t{64} << 20);
  }
  FileDescriptor other = Dial(relay.address()), heard = Accept();
  Send(other.get(), "still here");
  EXPECT_EQ(Receive(heard.get(), 10), "still here");
  EXPECT_EQ(Receive(unread.get(), taken).size(), taken);
}

TEST_F(RelayTest, AKilledPeerEndsTheOthersConnection) {
  Running far(From("tcp:127.0.0.1:0", Unix("lead")));
  Running near(From(Unix("near"), far.address()));
  pid_t child = ::fork();
  if (child == 0) {
    FileDescriptor fd = Dial(Unix("near"));
    Send(fd.get(), "hello");
    ::pause();
    ::_exit(0);
  }
  FileDescriptor lead = Accept();
  EXPECT_EQ(Receive(lead.get(), 5), "hello");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Receive(lead.get()), "");
}

TEST_F(RelayTest, TheAddressIsReadAgainForEachConnection) {
  RelayOptions options = From(Unix("near"), Unix("lead"));
  options.to_file = folder_.path() / "address";
  Running relay(options);
  EXPECT_EQ(Receive(Dial(Unix("near")).get()), "") << "no address yet";
  ASSERT_TRUE(WriteFileAtomic(options.to_file, Unix("nobody") + "\n").ok());
  EXPECT_EQ(Receive(Dial(Unix("near")).get()), "") << "nobody is there";
  ASSERT_TRUE(WriteFileAtomic(options.to_file, Unix("lead") + "\n").ok());
  FileDescriptor assistant = Dial(Unix("near"));
  Send(assistant.get(), "found");
  EXPECT_EQ(Receive(Accept().get(), 5), "found");
}

TEST_F(RelayTest, OfAPlacesAddressesTheFirstThatAnswersIsTakenAndTriedFirstFromThenOn) {
  RelayOptions options = From(Unix("near"), Unix("lead"));
  options.to_file = folder_.path() / "address";
  options.connect_seconds = 1;
  RelayAddress full_address;
  FileDescriptor refuses = ListenAt(At("tcp:127.0.0.1:0"), &full_address).value();
  refuses.reset();
  Running far(From("tcp:127.0.0.1:0", Unix("lead")));
  Running relay(options);
  ASSERT_TRUE(WriteFileAtomic(options.to_file, full_address.ToString() + "\nnot an address\n" + Unix("nobody") + "\n" + far.address() + "\n").ok());
  for (const char* text : {"first", "again"}) {
    FileDescriptor assistant = Dial(Unix("near"));
    Send(assistant.get(), text);
    EXPECT_EQ(Receive(Accept().get(), 5), text);
  }
}

// The lead's folder is written to by a worker that is trusted with nothing outside of its sandbox.
TEST_F(RelayTest, ALinkInTheSocketsPlaceIsNotFollowed) {
  std::filesystem::create_symlink(folder_.path() / "lead", folder_.path() / "link");
  Running relay(From("tcp:127.0.0.1:0", Unix("link")));
  EXPECT_EQ(Receive(Dial(relay.address()).get()), "");
}

TEST_F(RelayTest, ASocketsFolderMayHaveALongPath) {
  std::string folder = std::string(100, 'a') + "/" + std::string(100, 'b');
  std::filesystem::create_directories(folder_.path() / folder);
  Running relay(From(Unix(folder + "/near"), Unix("lead")));
  FileDescriptor assistant = Dial(Unix(folder + "/near"));
  Send(assistant.get(), "found");
  EXPECT_EQ(Receive(Accept().get(), 5), "found");
}

TEST_F(RelayTest, MoreConnectionsThanItTakesWait) {
  RelayOptions options = From("tcp:127.0.0.1:0", Unix("lead"));
  options.connections = 1;
  Running relay(options);
  FileDescriptor first = Dial(relay.address()), lead = Accept(), second = Dial(relay.address());
  Send(second.get(), "second");
  pollfd wait{lead_.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 200), 0);
  first.reset();
  lead.reset();
  EXPECT_EQ(Receive(Accept().get(), 6), "second");
}

TEST(RelayAddressTest, IsReadAsItIsWritten) {
  for (const char* text : {"unix:/run/x.sock", "unix:../x", "tcp:10.0.0.1:4000", "tcp:node-7:0", "tcp:[::1]:65535"}) EXPECT_EQ(At(text).ToString(), text);
  for (const char* text : {"", "unix:", "tcp:host", "tcp:host:", "tcp:host:65536", "tcp:host:4x", "http:host:1"}) {
    EXPECT_EQ(ParseRelayAddress(text).status().reason(), "BAD_ADDRESS") << text;
  }
}

TEST(RelayAddressTest, ASocketsNameThatIsTooLongIsRefused) {
  RelayAddress found;
  EXPECT_EQ(ListenAt(At("unix:/" + std::string(107, 'x')), &found).status().reason(), "BAD_ADDRESS");
}

}  // namespace
}  // namespace ns
