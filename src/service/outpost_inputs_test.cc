#include "service/outpost_inputs.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hash.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class OutpostInputsTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& content) {
    fs::create_directories((folder_.path() / name).parent_path());
    EXPECT_TRUE(WriteFileAtomic(folder_.path() / name, content).ok());
  }
  std::vector<std::string> Targets(const OutpostInput& input) {
    std::vector<std::string> targets;
    auto files = GatherInputs({input}, digests_);
    EXPECT_TRUE(files.ok()) << files.status().ToString();
    for (const GivenFile& file : *files) targets.push_back(file.file.target);
    std::sort(targets.begin(), targets.end());
    return targets;
  }
  TempDir folder_ = TempDir::Create("ns_inputs_").value();
  FileDigests digests_;
};

TEST_F(OutpostInputsTest, AModelBringsTheFilesOfItsWeightsAndNothingElseOfItsFolder) {
  // ModelProto.graph.initializer.external_data: location = "w.bin"
  std::string entry = std::string("\x0a\x08location\x12\x05w.bin", 17), data = "\x6a" + std::string(1, static_cast<char>(entry.size())) + entry;
  std::string tensor = "\x2a" + std::string(1, static_cast<char>(data.size())) + data;
  Write("m.onnx", "\x3a" + std::string(1, static_cast<char>(tensor.size())) + tensor);
  Write("w.bin", "weights");
  Write("other.onnx", "not asked for");
  EXPECT_EQ(Targets({folder_.path() / "m.onnx", "given/model/m.onnx", true, true, false}), (std::vector<std::string>{"given/model/m.onnx", "given/model/w.bin"}));
}

TEST_F(OutpostInputsTest, LinksThatLeaveTheFolderAreLeftOut) {
  Write("outside", "secret");
  Write("data/a", "a");
  Write("data/sub/b", "b");
  fs::create_symlink(folder_.path() / "outside", folder_.path() / "data/leak");
  fs::create_symlink("a", folder_.path() / "data/again");
  EXPECT_EQ(Targets({folder_.path() / "data", "given/dataset/data", true, false, false}),
            (std::vector<std::string>{"given/dataset/data/a", "given/dataset/data/again", "given/dataset/data/sub/b"}));
}

TEST_F(OutpostInputsTest, OfACacheOnlyItsEntriesGoAndNoneIsNoFailure) {
  EXPECT_TRUE(Targets({folder_.path() / "none", "cache", false, false, false}).empty());
  Write("k/" + std::string(64, 'a') + ".json", "{}");
  Write("k/.temporary", "x");
  EXPECT_EQ(Targets({folder_.path() / "k", "cache", false, false, false}), std::vector<std::string>{"cache/" + std::string(64, 'a') + ".json"});
}

TEST_F(OutpostInputsTest, AFileThatWasReplacedHasAnotherDigest) {
  Write("f", "one");
  EXPECT_EQ(digests_.Of(folder_.path() / "f").value(), Sha256Hex("one"));
  Write("f", "two");
  EXPECT_EQ(digests_.Of(folder_.path() / "f").value(), Sha256Hex("two"));
  EXPECT_EQ(GatherInputs({{folder_.path() / "missing", "x", true, false, false}}, digests_).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace ns
