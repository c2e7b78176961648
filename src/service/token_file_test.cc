#include "service/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tasks/task_event.h"

namespace ns {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class TokenFileTest : public testing::Test {
 protected:
  TempDir folder_ = TempDir::Create("tokens").value();
  std::filesystem::path path_ = folder_.path() / "db" / "tokens.json";
  TokenFile file_{path_};
  WallTime now_ = ParseTime("2026-01-31T12:00:00Z").value();
};

TEST_F(TokenFileTest, ATokenIsKnownByItsTextAndOnlyItsHashIsKept) {
  std::string text = file_.Create("ann", Role::kSubmit, now_).value();
  auto found = file_.Check(text, now_);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->name, "ann");
  EXPECT_EQ(found->role, Role::kSubmit);
  EXPECT_THAT(ReadFile(path_).value(), Not(HasSubstr(ParseToken(text)->secret)));
}

TEST_F(TokenFileTest, AWrongSecretOrAnUnknownIdIsRefused) {
  std::string text = file_.Create("ann", Role::kAdmin, now_).value();
  std::string wrong = text;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  EXPECT_EQ(file_.Check(wrong, now_).status().reason(), "BAD_TOKEN");
  EXPECT_EQ(file_.Check("nst_00000000_" + ParseToken(text)->secret, now_).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(file_.Check("", now_).status().reason(), "BAD_TOKEN");
}

TEST_F(TokenFileTest, AnotherProcessRevokesAtOnce) {
  std::string text = file_.Create("ann", Role::kSubmit, now_).value();
  ASSERT_TRUE(file_.Check(text, now_).ok());
  TokenFile other(path_);
  ASSERT_TRUE(other.Revoke("ann").ok());
  EXPECT_EQ(file_.Check(text, now_).status().reason(), "BAD_TOKEN");
  EXPECT_EQ(other.Revoke("ann").reason(), "UNKNOWN_TOKEN");
}

TEST_F(TokenFileTest, AnExpiredTokenIsRefusedFromThatMomentOn) {
  WallTime end = now_ + std::chrono::hours(1);
  std::string text = file_.Create("ann", Role::kSubmit, now_, end).value();
  EXPECT_TRUE(file_.Check(text, end - std::chrono::microseconds(1)).ok());
  EXPECT_EQ(file_.Check(text, end).status().reason(), "TOKEN_EXPIRED");
}

TEST_F(TokenFileTest, ANameIsTakenOnce) {
  ASSERT_TRUE(file_.Create("ann", Role::kSubmit, now_).ok());
  EXPECT_EQ(file_.Create("ann", Role::kRead, now_).status().reason(), "TOKEN_NAME_TAKEN");
  EXPECT_THAT(file_.List().value(), SizeIs(1));
}

TEST_F(TokenFileTest, ADamagedFileLetsNobodyInAndIsNotOverwritten) {
  std::string text = file_.Create("ann", Role::kSubmit, now_).value();
  ASSERT_TRUE(WriteFileAtomic(path_, "{").ok());
  EXPECT_EQ(file_.Check(text, now_).status().reason(), "BAD_TOKEN_FILE");
  EXPECT_EQ(file_.Create("ben", Role::kSubmit, now_).status().reason(), "BAD_TOKEN_FILE");
  EXPECT_EQ(ReadFile(path_).value(), "{");
}

}  // namespace
}  // namespace ns
