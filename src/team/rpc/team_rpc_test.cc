// The lead's and the assistant's ends of a conversation, through a real socket.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "team/rpc/lead_connection.h"
#include "team/rpc/socket_address.h"
#include "team/rpc/team_server.h"

namespace ns {
namespace {

using For = LeaseTable::For;

class TeamRpcTest : public testing::Test {
 protected:
  TeamRpcTest() : folder_(*TempDir::Create("team-")) {}

  void Start(std::string blob = "") {
    Team::Options options;
    options.task = "the task";
    options.leases.expiry_seconds = 1;
    options.blob = [blob](const std::string& digest) { return digest == Sha256Hex(blob) ? std::optional(blob) : std::nullopt; };
    team_.emplace(std::move(options), clock_);
    auto server = TeamServer::Start({socket(), "secret", "1.0", 0.2}, *team_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
  }

  std::filesystem::path socket() const { return folder_.path() / "team.sock"; }

  std::unique_ptr<LeadConnection> Connect(int worker = 1, uint64_t fence = 1, std::string token = "secret", std::string program = "1.0",
                                          std::vector<std::string> killed = {}) {
    return *LeadConnection::Open({socket(), std::move(token), worker, fence, 1, "cpu", std::move(program), std::move(killed)});
  }
  std::unique_ptr<LeadConnection> Joined(int worker = 1, uint64_t fence = 1) {
    auto connection = Connect(worker, fence);
    auto words = connection->Read();
    EXPECT_TRUE(words.ok() && std::holds_alternative<WelcomeWords>(*words)) << words.status().ToString();
    connection->SendReady();
    return connection;
  }
  template <typename Words>
  Words Next(LeadConnection& connection) {
    auto words = connection.Read();
    EXPECT_TRUE(words.ok()) << words.status().ToString();
    EXPECT_TRUE(words.ok() && std::holds_alternative<Words>(*words));
    return words.ok() && std::holds_alternative<Words>(*words) ? std::get<Words>(*words) : Words{};
  }
  std::optional<Team::Finished> Result() {
    for (int i = 0; i < 100; ++i)
      if (auto finished = team_->Wait(0.1)) return finished;
    return std::nullopt;
  }
  int64_t Offer(std::string payload) {
    return team_->Offer(For::kAnyone, [payload] { return ItemMessage{"trial", payload}; });
  }

  TempDir folder_;
  SystemClock clock_;
  std::optional<Team> team_;
  std::unique_ptr<TeamServer> server_;
};

TEST_F(TeamRpcTest, CarriesTheTaskAnItemAndAResultOfManyParts) {
  Start();
  auto connection = Connect();
  EXPECT_EQ(Next<WelcomeWords>(*connection).task, "the task");
  connection->SendReady();
  int64_t item = Offer("do this");
  GivenItem given = Next<GivenItem>(*connection);
  EXPECT_EQ(given.payload, "do this");
  std::string result(5'000'000, 'x');
  result[4'999'999] = 'y';
  ASSERT_TRUE(connection->SendResult(given.lease, result));
  auto finished = Result();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->item, item);
  EXPECT_EQ(finished->worker, 1);
  EXPECT_EQ(finished->result, result);
}

TEST_F(TeamRpcTest, RefusesAStrangerAndLeavesTheTeamAsItWas) {
  Start();
  auto connection = Connect(1, 1, "another secret");
  auto words = connection->Read();
  EXPECT_EQ(words.status().reason(), "NOT_OF_THIS_TEAM");
  EXPECT_EQ(connection->Fetch(Sha256Hex("")).status().reason(), "NOT_OF_THIS_TEAM");
  EXPECT_EQ(team_->joined(), 1);
}

TEST_F(TeamRpcTest, MakesTheSocketForThisUserOnly) {
  Start();
  struct stat about {};
  ASSERT_EQ(::stat(socket().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(TeamRpcTest, RefusesAnotherVersionAndAnEarlierStart) {
  Start();
  EXPECT_EQ(Connect(1, 1, "secret", "0.9")->Read().status().reason(), "NOT_WANTED");
  auto later = Joined(1, 5);
  EXPECT_EQ(Connect(1, 4)->Read().status().reason(), "NOT_WANTED");
}

TEST_F(TeamRpcTest, GivesTheItemOfABrokenConnectionToTheNextAtOnce) {
  Start();
  auto first = Joined(1);
  int64_t item = Offer("x");
  GivenItem lost = Next<GivenItem>(*first);
  auto second = Joined(2);
  first.reset();
  GivenItem given = Next<GivenItem>(*second);
  EXPECT_NE(given.lease, lost.lease);
  second->SendResult(given.lease, "done");
  EXPECT_EQ(Result()->item, item);
  EXPECT_EQ(team_->TakeNews().size(), 1u);
}

TEST_F(TeamRpcTest, GivesTheItemOfASilentAssistantToTheNextAndBreaksWithIt) {
  Start();
  auto silent = Joined(1);
  Offer("x");
  Next<GivenItem>(*silent);
  auto second = Joined(2);
  std::jthread alive([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      second->SendHeartbeat(0, 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  EXPECT_EQ(Next<GivenItem>(*second).payload, "x");
  EXPECT_EQ(silent->Read().status().code(), StatusCode::kUnavailable);
}

TEST_F(TeamRpcTest, TellsAnAssistantToStopWhatIsNotWanted) {
  Start();
  auto connection = Joined();
  int64_t item = Offer("x");
  GivenItem given = Next<GivenItem>(*connection);
  team_->Withdraw(item);
  EXPECT_EQ(Next<StopItem>(*connection).lease, given.lease);
  connection->SendResult(given.lease, "too late");
  Offer("y");
  EXPECT_EQ(Next<GivenItem>(*connection).payload, "y");
  EXPECT_FALSE(team_->Wait(0.2) && team_->Wait(0.2));
}

TEST_F(TeamRpcTest, WhatIsAheadOfItsTimeGivesWayToWhatIsNeeded) {
  Start();
  Offer("of the lead");
  ASSERT_TRUE(team_->TakeOwn({}));
  auto assistant = Joined();
  while (team_->joined() < 2) team_->Wait(0.1);
  team_->Offer(For::kAhead, [] { return ItemMessage{"trial", "ahead"}; });
  GivenItem ahead = Next<GivenItem>(*assistant);
  EXPECT_EQ(ahead.payload, "ahead");
  Offer("needed");
  EXPECT_EQ(Next<StopItem>(*assistant).lease, ahead.lease);
  GivenItem needed = Next<GivenItem>(*assistant);
  EXPECT_EQ(needed.payload, "needed");
  assistant->SendResult(needed.lease, "done");
  EXPECT_EQ(Next<GivenItem>(*assistant).payload, "ahead") << "not lost";
}

// A second one, which had begun it, starts it anew.
TEST_F(TeamRpcTest, WhatAnAssistantWasKilledForItsMemoryWithIsToldToWhoeverDoesItNext) {
  Start();
  auto first = Joined(1);
  team_->Offer(For::kAnyone, [this] { return ItemMessage{"trial", std::to_string(team_->Killed("piece"))}; }, "piece");
  EXPECT_EQ(Next<GivenItem>(*first).payload, "0");
  auto second = Joined(2);
  first.reset();
  GivenItem usual = Next<GivenItem>(*second);
  EXPECT_EQ(usual.payload, "0") << "nobody knows why the first was lost";
  auto again = Connect(1, 1, "secret", "1.0", {"piece", "another"});
  EXPECT_EQ(Next<StopItem>(*second).lease, usual.lease);
  EXPECT_EQ(Next<GivenItem>(*second).payload, "1");
  EXPECT_EQ(team_->Killed("another"), 1);
  EXPECT_EQ(team_->Killed("a third"), 0);
}

TEST_F(TeamRpcTest, LetsTheSameStartComeAgainInTheMiddleOfAnItem) {
  Start();
  auto before = Joined(1, 3);
  Offer("x");
  Next<GivenItem>(*before);
  auto after = Joined(1, 3);
  EXPECT_EQ(Next<GivenItem>(*after).payload, "x");
  EXPECT_FALSE(before->Read().ok());
  EXPECT_EQ(team_->joined(), 2);
}

TEST_F(TeamRpcTest, SendsTheSurplusAwayAndAllAtTheEnd) {
  Start();
  auto first = Joined(1), second = Joined(2);
  while (team_->joined() < 3) team_->Wait(0.1);
  EXPECT_EQ(team_->Release(2, "too many"), 1);
  EXPECT_EQ(Next<EndOfWork>(*second).why, "too many");
  EXPECT_EQ(team_->joined(), 2);
  std::jthread end([&] { server_.reset(); });
  EXPECT_EQ(Next<EndOfWork>(*first).why, "the work has ended");
  first.reset();
}

TEST_F(TeamRpcTest, FetchesBigContentByItsDigest) {
  std::string content(9'000'000, 'a');
  Start(content);
  auto connection = Joined();
  auto fetched = connection->Fetch(Sha256Hex(content));
  ASSERT_TRUE(fetched.ok()) << fetched.status().ToString();
  EXPECT_TRUE(*fetched == content);
  EXPECT_EQ(connection->Fetch(Sha256Hex("other")).status().code(), StatusCode::kNotFound);
}

TEST_F(TeamRpcTest, SaysThatNoLeadIsThere) { EXPECT_EQ(Connect()->Read().status().code(), StatusCode::kUnavailable); }

TEST_F(TeamRpcTest, ReachesASocketWhosePathIsLongerThanTheSystemAllows) {
  std::filesystem::path deep = folder_.path() / std::string(120, 'd');
  std::filesystem::create_directory(deep);
  Team team({}, clock_);
  auto server = TeamServer::Start({deep / "team.sock", "secret", "1.0", 1}, team);
  ASSERT_TRUE(server.ok()) << server.status().ToString();
  auto connection = *LeadConnection::Open({deep / "team.sock", "secret", 1, 1, 1, "", "1.0"});
  EXPECT_TRUE(connection->Read().ok());
}

TEST(ReadTeamToken, TakesTheFileWithoutItsLineBreak) {
  TempDir folder = *TempDir::Create("token-");
  ASSERT_TRUE(WriteFileAtomic(folder.path() / "token", "abc123\n").ok());
  EXPECT_EQ(*ReadTeamToken(folder.path() / "token"), "abc123");
  ASSERT_TRUE(WriteFileAtomic(folder.path() / "token", " \n").ok());
  EXPECT_EQ(ReadTeamToken(folder.path() / "token").status().reason(), "BAD_TEAM_TOKEN");
}

}  // namespace
}  // namespace ns
