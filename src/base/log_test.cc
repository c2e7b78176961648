#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { LogToStderr(); }
  std::string Written() { return ReadFile(file_).value(); }

  TempDir folder_ = TempDir::Create("ns_log_").value();
  std::filesystem::path file_ = folder_.path() / "log";
};

TEST_F(LogTest, ALineOfTextHasTimeLevelMessageAndFields) {
  ASSERT_TRUE(LogToFile(file_).ok());
  LogLine(LogLevel::kWarning, "request", {{"id", "a1"}, {"status", "500"}});
  EXPECT_THAT(Written(), MatchesRegex("[0-9T:.-]+Z warning request id=a1 status=500\n"));
}

TEST_F(LogTest, ALineOfJsonIsOneObjectWhateverItSays) {
  ASSERT_TRUE(LogToFile(file_, LogLevel::kInfo, LogFormat::kJson).ok());
  LogLine(LogLevel::kInfo, "a \"b\"\\\n\xC3\xA9\xFF{}%v", {{"path", "/x\t"}});
  std::string line = Written();
  EXPECT_THAT(line, MatchesRegex("\\{\"time\":\"[0-9T:.-]+Z\",.*\\}\n"));
  EXPECT_THAT(line, testing::HasSubstr(R"("level":"info","message":"a \"b\"\\\u000a)" "\xC3\xA9\xEF\xBF\xBD" R"({}%v","path":"/x\u0009"})"));
}

TEST_F(LogTest, LinesBelowTheLevelAreLeftOut) {
  ASSERT_TRUE(LogToFile(file_, *ParseLogLevel("warning")).ok());
  LogInfo("no");
  EXPECT_FALSE(Logs(LogLevel::kInfo));
  LogError("yes");
  EXPECT_THAT(Written(), MatchesRegex("[0-9T:.-]+Z error yes\n"));
  EXPECT_FALSE(ParseLogLevel("loud"));
}

}  // namespace
}  // namespace ns
