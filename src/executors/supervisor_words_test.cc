#include <gtest/gtest.h>

#include <cstdlib>

#include "executors/supervisor.h"

namespace ns {
namespace {

TEST(SupervisorWordsTest, ComeBackAsTheyWere) {
  SupervisorOptions options{.task_folder = "/t/a b", .attempt = 3, .log_file = "/t/log"};
  options.cores = {1, 5};
  options.node_cores = {0};
  options.pick_cores = 2;
  options.lock_wait = std::chrono::seconds(120);
  options.elsewhere = true;
  options.members = {{1, 4}, {12, 5}};
  SupervisorOptions back = ParseSupervisorWords(SupervisorWords(options)).value();
  EXPECT_EQ(back.task_folder, "/t/a b");
  EXPECT_EQ(back.attempt, 3);
  EXPECT_EQ(back.log_file, "/t/log");
  EXPECT_EQ(back.cores, options.cores);
  EXPECT_EQ(back.node_cores, options.node_cores);
  EXPECT_EQ(back.pick_cores, 2);
  EXPECT_EQ(back.lock_wait, options.lock_wait);
  EXPECT_TRUE(back.elsewhere);
  EXPECT_EQ(back.members, options.members);
}

TEST(SupervisorWordsTest, BadOnesAreNone) {
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
           {}, {"--task-folder"}, {"--attempt", "1"}, {"--task-folder", "/t", "--attempt", "x"}, {"--task-folder", "/t", "--member", "1"},
           {"--task-folder", "/t", "--member", ":"}, {"--task-folder", "/t", "--member", ""}, {"--task-folder", "/t", "--core", "1x"}, {"--other", "1"}}) {
    EXPECT_FALSE(ParseSupervisorWords(words)) << testing::PrintToString(words);
  }
}

TEST(SupervisorWordsTest, AMemberOfAnArrayIsTheOneThatSlurmNames) {
  SupervisorOptions options{.task_folder = "/t"};
  options.members = {{2, 7}, {3, 9}};
  ::setenv("SLURM_ARRAY_TASK_ID", "3", 1);
  EXPECT_TRUE(BecomeMember(&options));
  EXPECT_EQ(options.task_folder, "/t/workers/3");
  EXPECT_EQ(options.attempt, 9);
  ::setenv("SLURM_ARRAY_TASK_ID", "4", 1);
  EXPECT_FALSE(BecomeMember(&options));
  ::unsetenv("SLURM_ARRAY_TASK_ID");
  EXPECT_FALSE(BecomeMember(&options));
  SupervisorOptions alone{.task_folder = "/t", .attempt = 2};
  EXPECT_TRUE(BecomeMember(&alone));
  EXPECT_EQ(alone.attempt, 2);
}

}  // namespace
}  // namespace ns
