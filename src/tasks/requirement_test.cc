#include "tasks/requirement.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(RequirementTest, TakesWhatPep508Names) {
  // The first ones are the examples of PEP 508.
  for (const char* text : {"A", "A.B-C_D", "aa", "name", "name<=1", "name>=3", "name>=3,<2", "name[quux, strange];python_version<'2.7' and platform_version=='2'",
                           "name; os_name=='a' or os_name=='b'", "name; os_name=='a' and os_name=='b' or os_name=='c'",
                           "name; os_name=='a' and (os_name=='b' or os_name=='c')", "requests [security,tests] >= 2.8.1, == 2.8.* ; python_version < \"2.7\"",
                           "pip @ https://github.com/pypa/pip/archive/1.3.1.zip#sha1=da9234ee", "torch==1.13.1+cpu", "x~=1.4.2", "x (>=1,<2)", "x===1",
                           "x>=1!2.0", "x; 'linux' in sys_platform", "x; 'a' not in sys_platform", "x @ https://h/x.whl ; os_name == 'a'", "x[]"}) {
    EXPECT_TRUE(CheckRequirement(text).ok()) << text << ": " << CheckRequirement(text).message();
  }
}

TEST(RequirementTest, RefusesOptionsPathsAndEverythingElse) {
  for (const char* text : {"", " ", "--index-url=https://x", "-r requirements.txt", "-e .", "./local", "../x", "/abs/x.whl", "x.whl/", "C:\\x", "x @ file:///etc",
                           "x @ git+https://h/x", "x @ http://h/x", "x @ /etc", "git+https://h/x", "https://h/x.whl", "torch; rm -rf /", "x; y", "x;",
                           "torch --index-url https://x", "torch -r x", "x>=", "x=1", "x==1,", "x[", "x[a", "x[a,]", "-x", "x-", "_x", "x\ny", "x y",
                           "x @ https://h/x --index-url", "$(id)", "`id`", "x; python_version", "x; os_name == 'a", "x; (os_name=='a'", "x>=1;extra==",
                           "x @ https://"}) {
    EXPECT_EQ(CheckRequirement(text).reason(), "BAD_REQUIREMENT") << text;
  }
  EXPECT_FALSE(CheckRequirement(std::string(501, 'a')).ok());
  EXPECT_FALSE(CheckRequirement("x; " + std::string(100, '(')).ok());
}

TEST(RequirementTest, TellsTheAddressThatItNames) {
  EXPECT_EQ(AddressOfRequirement("x@https://h/x.whl"), "https://h/x.whl");
  EXPECT_EQ(AddressOfRequirement("x[a] @  https://10.0.0.5:8443/x.whl ; os_name == 'a'"), "https://10.0.0.5:8443/x.whl");
  EXPECT_EQ(AddressOfRequirement("x>=1; os_name == 'a@b'"), "");
  EXPECT_EQ(AddressOfRequirement("x"), "");
}

}  // namespace
}  // namespace ns
