#include "store/sqlite.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  TempDir folder_ = TempDir::Create("ns_sqlite_").value();
  std::filesystem::path file_ = folder_.path() / "x.db";
};

// A client may try it again, and it is no fault of the client's.
void ExpectUnavailable(const Status& status, const std::filesystem::path& folder) {
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(status.reason(), "STORE_UNAVAILABLE");
  EXPECT_EQ(status.message().find(folder.string()), std::string::npos) << status.message();
}

TEST_F(DatabaseTest, AFileThatCannotBeWrittenIsUnavailable) {
  ASSERT_TRUE(Database::Open(file_, false).value()->Execute("CREATE TABLE t(x)").ok());
  auto database = Database::Open(file_, true).value();
  ExpectUnavailable(database->Execute("INSERT INTO t VALUES(1)"), folder_.path());
}

TEST_F(DatabaseTest, AFileThatCannotBeOpenedIsUnavailable) {
  ExpectUnavailable(Database::Open(folder_.path() / "none" / "x.db", true).status(), folder_.path());
}

TEST_F(DatabaseTest, AnErrorOfOursNamesTheStatement) {
  Status status = Database::Open(file_, false).value()->Execute("SELECT * FROM nothing");
  EXPECT_EQ(status.reason(), "STORE_ERROR");
  EXPECT_NE(status.message().find("SELECT * FROM nothing"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace ns
