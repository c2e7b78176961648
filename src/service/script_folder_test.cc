#include "service/script_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"

namespace ns {
namespace {

class ScriptFolderTest : public testing::Test {
 protected:
  void File(const std::string& name) {
    std::filesystem::create_directories((root() / name).parent_path());
    std::ofstream(root() / name) << "pass\n";
  }
  std::filesystem::path root() const { return folder_.path() / "uploads"; }
  // What is wrong with `script_url`; "" when nothing is.
  std::string Wrong(const std::string& script_url) {
    TaskSpec spec;
    spec.script_url = script_url;
    std::vector<FieldError> errors;
    found_ = ResolveScript({root(), {}, nullptr, {}}, spec, &errors);
    return errors.empty() ? "" : errors[0].msg;
  }
  TempDir folder_ = TempDir::Create("ns_script_").value();
  std::filesystem::path found_;
};

TEST_F(ScriptFolderTest, FindsTheOneScriptOfAFolder) {
  File("a/run.py");
  File("a/deep/other.py");
  File("a/notes.txt");
  EXPECT_EQ(Wrong("a"), "");
  EXPECT_EQ(found_, std::filesystem::canonical(root()) / "a" / "run.py");
  EXPECT_EQ(Wrong("https://h/x.py"), "");
  EXPECT_EQ(found_, "");
}

TEST_F(ScriptFolderTest, RefusesNoneSeveralAndFoldersThatAreNotThere) {
  File("none/x.txt");
  File("two/a.py");
  File("two/b.py");
  EXPECT_EQ(Wrong("none"), "the folder \"none\" must hold exactly one .py file, it holds 0");
  EXPECT_EQ(Wrong("two"), "the folder \"two\" must hold exactly one .py file, it holds 2");
  EXPECT_NE(Wrong("missing").find("there is no \"missing\""), std::string::npos);
  EXPECT_NE(Wrong("two/a.py").find("must be a folder that holds one .py file"), std::string::npos);
  EXPECT_NE(Wrong("$(id)").find("there is no \"$(id)\""), std::string::npos);
}

TEST_F(ScriptFolderTest, RefusesWhatLeavesTheUploadFolder) {
  File("a/run.py");
  std::filesystem::create_directories(folder_.path() / "outside");
  std::ofstream(folder_.path() / "outside" / "x.py").flush();
  std::filesystem::create_directory_symlink(folder_.path() / "outside", root() / "link");
  for (const char* path : {"../outside", "/etc", "a/../../outside", "link"}) {
    EXPECT_NE(Wrong(path).find("must be a path below"), std::string::npos) << path;
  }
  std::filesystem::create_symlink(folder_.path() / "outside" / "x.py", root() / "a" / "y.py");
  EXPECT_EQ(Wrong("a"), "");  // a link is no script
}

}  // namespace
}  // namespace ns
