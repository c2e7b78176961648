#include "tasks/caller.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(Caller, ASubmitterSeesItsOwnTasksOnly) {
  Caller ann{"ann", Role::kSubmit, ""};
  EXPECT_TRUE(ann.MaySee("ann"));
  EXPECT_FALSE(ann.MaySee("ben"));
  EXPECT_FALSE(ann.MaySee(""));
  EXPECT_TRUE(ann.may_submit());
}

TEST(Caller, AReaderSeesAllAndChangesNothing) {
  Caller reader{"grafana", Role::kRead, ""};
  EXPECT_TRUE(reader.MaySee("ann"));
  EXPECT_FALSE(reader.may_submit());
  EXPECT_FALSE(reader.is_admin());
}

TEST(Caller, RolesHaveTheirNamesBothWays) {
  for (const char* name : {"submit", "read", "admin"}) EXPECT_EQ(RoleName(ParseRole(name).value()), name);
  EXPECT_FALSE(ParseRole("root").has_value());
}

}  // namespace
}  // namespace ns
