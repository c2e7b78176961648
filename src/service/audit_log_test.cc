#include "service/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/fake_clock.h"

namespace ns {
namespace {

using testing::HasSubstr;

TEST(AuditLog, TellsWhoDidWhatFromWhereAndHowItEnded) {
  TempDir folder = TempDir::Create("audit").value();
  FakeClock clock;
  AuditLog log(folder.path() / "audit.log", clock);
  log.Record({"ann", Role::kSubmit, "10.0.0.7"}, "cancel", "a task", OkStatus());
  log.Record({"ann", Role::kSubmit, "10.0.0.7"}, "cancel", "line\nbreak", NotFound("no task", "UNKNOWN_TASK"));
  std::string text = ReadFile(folder.path() / "audit.log").value();
  EXPECT_THAT(text, HasSubstr(R"("caller":"ann","role":"submit","address":"10.0.0.7","action":"cancel","object":"a task","outcome":"ok"})" "\n"));
  EXPECT_THAT(text, HasSubstr(R"("object":"line\nbreak","outcome":"UNKNOWN_TASK"})" "\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(AuditLog, AFullFileIsKeptBesideANewOne) {
  TempDir folder = TempDir::Create("audit").value();
  FakeClock clock;
  AuditLog log(folder.path() / "audit.log", clock, 200);
  for (const char* object : {"one", "two", "three"}) log.Record({}, "submit", object, OkStatus());
  EXPECT_THAT(ReadFile(folder.path() / "audit.log.1").value(), HasSubstr("two"));
  EXPECT_THAT(ReadFile(folder.path() / "audit.log").value(), HasSubstr("three"));
}

}  // namespace
}  // namespace ns
