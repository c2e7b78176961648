#include "service/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/fake_clock.h"

namespace ns {
namespace {

using testing::HasSubstr;

class AccessControlTest : public testing::Test {
 protected:
  void Open(AccessControl::Options options) { access_.emplace(options, tokens_, audit_, clock_); }
  std::string Bearer(const std::string& name, Role role) { return "Bearer " + tokens_.Create(name, role, clock_.wall()).value(); }
  std::string Reason(const std::string& authorization, bool open = false, const std::string& address = "10.0.0.7") {
    return access_->Admit(authorization, address, open).status().reason();
  }

  TempDir folder_ = TempDir::Create("access").value();
  FakeClock clock_;
  TokenFile tokens_{folder_.path() / "tokens.json"};
  AuditLog audit_{folder_.path() / "audit.log", clock_};
  std::optional<AccessControl> access_;
};

TEST_F(AccessControlTest, WithoutRequiredTokensEverybodyIsTheLocalAdmin) {
  Open({});
  EXPECT_EQ(access_->Admit("", "127.0.0.1", false).value(), (Caller{"", Role::kAdmin, "127.0.0.1"}));
}

TEST_F(AccessControlTest, ATokenThatIsBroughtCountsEvenWhereNoneIsRequired) {
  Open({});
  EXPECT_EQ(access_->Admit(Bearer("ann", Role::kSubmit), "127.0.0.1", false).value(), (Caller{"ann", Role::kSubmit, "127.0.0.1"}));
  EXPECT_EQ(Reason("Bearer nonsense"), "BAD_TOKEN");
}

TEST_F(AccessControlTest, RequiredTokensKeepOutWhoHasNoneButForOpenCalls) {
  Open({true, 0});
  EXPECT_EQ(Reason(""), "NO_TOKEN");
  EXPECT_EQ(access_->Admit("", "10.0.0.7", true).value().role, Role::kRead);
  EXPECT_EQ(Reason("Basic YTpi"), "BAD_TOKEN");
  EXPECT_TRUE(access_->Admit(Bearer("ann", Role::kSubmit), "10.0.0.7", false).ok());
}

TEST_F(AccessControlTest, TheSchemeIsReadInAnyCase) {
  Open({true, 0});
  std::string bearer = Bearer("ann", Role::kSubmit);
  EXPECT_TRUE(access_->Admit("bearer" + bearer.substr(6), "10.0.0.7", false).ok());
  EXPECT_TRUE(access_->Admit("BEARER  " + bearer.substr(7), "10.0.0.7", false).ok());
}

TEST_F(AccessControlTest, GuessingIsSlowedByAddressAndRecorded) {
  Open({true, 0});
  std::string guess = "Bearer nst_00000000_" + std::string(64, '0');
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Reason(guess), "BAD_TOKEN") << i;
  EXPECT_EQ(Reason(guess), "TOO_MANY_BAD_TOKENS");
  EXPECT_EQ(Reason(Bearer("ann", Role::kSubmit), false, "10.0.0.8"), "");  // another address
  clock_.Advance(std::chrono::seconds(6));
  EXPECT_EQ(Reason(guess), "BAD_TOKEN");
  EXPECT_EQ(Reason(guess), "TOO_MANY_BAD_TOKENS");
  EXPECT_THAT(ReadFile(folder_.path() / "audit.log").value(), HasSubstr(R"("action":"authenticate","object":"","outcome":"BAD_TOKEN")"));
}

TEST_F(AccessControlTest, ATokenHasItsRateWhereverItComesFrom) {
  Open({true, 2});
  std::string bearer = Bearer("ann", Role::kSubmit);
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}) EXPECT_EQ(Reason(bearer, false, address), "") << address;
  EXPECT_EQ(Reason(bearer), "RATE_LIMITED");
  EXPECT_EQ(Reason(bearer, /*open=*/true), "");  // health checks are not counted
  EXPECT_EQ(Reason(Bearer("ben", Role::kSubmit)), "");
  clock_.Advance(std::chrono::milliseconds(500));
  EXPECT_EQ(Reason(bearer), "");
}

}  // namespace
}  // namespace ns
