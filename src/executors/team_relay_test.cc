// Two supervisors' relays, as of a lead's machine and an assistant's: over this machine's loopback network.
#include "executors/team_relay.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "executors/relay.h"
#include "executors/relay_socket.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using Side = TeamRelayPlan::Side;

class TeamRelayTest : public testing::Test {
 protected:
  TeamRelayPlan Lead() const { return {Side::kLead, folder_.path() / "lead.sock", folder_.path() / "address", "127.0.0.0/8"}; }
  TeamRelayPlan Assistant() const { return {Side::kAssistant, folder_.path() / "near.sock", folder_.path() / "address", ""}; }
  static RelayAddress At(const fs::path& socket) { return {socket.string(), "", 0}; }
  // What comes out at `listener` of what an assistant says at its own socket.
  std::string Say(const FileDescriptor& listener, const std::string& text) {
    FileDescriptor assistant = ConnectTo(At(Assistant().socket)).value();
    EXPECT_EQ(::send(assistant.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    pollfd wait{listener.get(), POLLIN, 0};
    if (::poll(&wait, 1, 10'000) != 1) return "nobody comes";
    FileDescriptor lead(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string heard(text.size(), '\0');
    return ::recv(lead.get(), heard.data(), heard.size(), MSG_WAITALL) == static_cast<ssize_t>(text.size()) ? heard : "nothing comes";
  }
  FileDescriptor ListenAsLead() {
    RelayAddress found;
    return ListenAt(At(Lead().socket), &found).value();
  }

  TempDir folder_ = TempDir::Create("ns_team_relay_").value();
};

TEST_F(TeamRelayTest, AnAssistantReachesItsLeadWhereverThatWasStartedLast) {
  FileDescriptor socket = ListenAsLead();
  TeamRelay near = TeamRelay::Start(Assistant()).value();
  {
    TeamRelay far = TeamRelay::Start(Lead()).value();
    EXPECT_EQ(Say(socket, "first"), "first");
  }
  std::string first = ReadFile(Lead().address_file).value();
  socket = ListenAsLead();
  TeamRelay far = TeamRelay::Start(Lead()).value();
  EXPECT_NE(ReadFile(Lead().address_file).value(), first) << "another port";
  EXPECT_EQ(Say(socket, "second"), "second");
}

TEST_F(TeamRelayTest, TheProcessEndsWithItsObjectAndWithWhoStartedIt) {
  pid_t relay = 0;
  {
    TeamRelay one = TeamRelay::Start(Assistant()).value();
    relay = one.pid();
    EXPECT_EQ(::kill(relay, 0), 0);
  }
  EXPECT_EQ(::kill(relay, 0), -1);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  pid_t supervisor = ::fork();
  if (supervisor == 0) {
    TeamRelay one = TeamRelay::Start(Assistant()).value();
    pid_t pid = one.pid();
    (void)!::write(pipe[1], &pid, sizeof(pid));
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::read(pipe[0], &relay, sizeof(relay)), static_cast<ssize_t>(sizeof(relay)));
  ::close(pipe[1]);
  ::waitpid(supervisor, nullptr, 0);
  char end;
  EXPECT_EQ(::read(pipe[0], &end, 1), 0) << "the last that held the pipe has ended";
  ::close(pipe[0]);
}

TEST_F(TeamRelayTest, ALeadsMachineWithoutAnAddressOfTheNetworkSaysSo) {
  TeamRelayPlan plan = Lead();
  plan.network = "203.0.113.77";
  EXPECT_EQ(TeamRelay::Start(plan).status().reason(), "NO_ADDRESS");
  EXPECT_FALSE(fs::exists(plan.address_file));
}

TEST_F(TeamRelayTest, WithoutARelayInThePlanThereIsNoProcess) { EXPECT_EQ(TeamRelay::Start({}).value().pid(), 0); }

}  // namespace
}  // namespace ns
