#include "executors/command.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace ns {
namespace {

CommandEnd RunToEnd(const std::vector<std::string>& argv, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  ForeignCommand command = ForeignCommand::Start(argv, limit).value();
  while (true) {
    if (auto end = command.Poll()) return *end;
    ::usleep(2'000);
  }
}

TEST(CommandTest, TellsWhatAProgramSaidAndHowItEnded) {
  CommandEnd end = RunToEnd({"/bin/sh", "-c", "echo said; echo '-----' >&2; echo wrong >&2; exit 3"});
  EXPECT_EQ(end.out, "said\n");
  EXPECT_EQ(end.exit.exit_code, 3);
  EXPECT_FALSE(end.ok());
  EXPECT_EQ(end.FirstLine(), "wrong");
}

TEST(CommandTest, OneThatTakesTooLongIsKilledWithWhatItStarted) {
  CommandEnd end = RunToEnd({"/bin/sh", "-c", "sleep 100 & wait"}, std::chrono::milliseconds(50));
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(end.FirstLine(), "it took too long");
}

TEST(CommandTest, AProgramThatIsNotThereIsNotStarted) {
  EXPECT_EQ(ForeignCommand::Start({"/nowhere/program"}, std::chrono::seconds(1)).status().reason(), "PROGRAM_NOT_FOUND");
}

}  // namespace
}  // namespace ns
