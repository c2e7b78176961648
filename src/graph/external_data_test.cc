// Weights outside of the model's file: what is refused.

#include "base/file.h"
#include "graph/testing/model_files.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class ExternalDataTest : public ModelFileTest {
 protected:
  // Saves m.onnx with m.onnx.data, then edits the external_data entry `key` of its weight.
  void SaveWith(const std::string& key, const std::string& value) {
    ASSERT_TRUE(BigWeightModel().Save(Path("m.onnx"), {.external_data = true}).ok());
    ns_onnx::ModelProto proto;
    ASSERT_TRUE(proto.ParseFromString(ReadFile(Path("m.onnx")).value()));
    for (auto& entry : *proto.mutable_graph()->mutable_initializer(1)->mutable_external_data())
      if (entry.key() == key) entry.set_value(value);
    Write("m.onnx", proto.SerializeAsString());
  }
};

TEST_F(ExternalDataTest, RefusesAMissingFile) {
  SaveWith("location", "gone.bin");
  ExpectRefused("m.onnx", "EXTERNAL_DATA_MISSING", "gone.bin");
}

TEST_F(ExternalDataTest, RefusesPathsOutOfTheFolder) {
  for (const char* path : {"../secret", "/etc/passwd", "a/../../secret", ""}) {
    SaveWith("location", path);
    ExpectRefused("m.onnx", "EXTERNAL_DATA_OUTSIDE", "not below");
  }
  SaveWith("location", "link.bin");
  fs::create_symlink("/etc/passwd", Path("link.bin"));
  ExpectRefused("m.onnx", "EXTERNAL_DATA_OUTSIDE", "link.bin");
  SaveWith("location", "#0");
  ExpectRefused("m.onnx", "EXTERNAL_DATA_MISSING", "#0");  // our own mark means nothing in a file
}

TEST_F(ExternalDataTest, RefusesAFileThatIsTooShort) {
  SaveWith("offset", "64");
  ExpectRefused("m.onnx", "EXTERNAL_DATA_SHORT", "ends after 2048 bytes");
  SaveWith("offset", "18446744073709551615");
  ExpectRefused("m.onnx", "EXTERNAL_DATA_SHORT", "");
  SaveWith("offset", "x");
  ExpectRefused("m.onnx", "BAD_TENSOR", "not a number");
  SaveWith("length", "2047");
  ExpectRefused("m.onnx", "BAD_TENSOR", "need 2048");
}

TEST_F(ExternalDataTest, AModelInMemoryMayNotReadFiles) {
  SaveWith("offset", "0");
  ns_onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(ReadFile(Path("m.onnx")).value()));
  EXPECT_EQ(Model::FromProto(proto).status().reason(), "EXTERNAL_DATA_OUTSIDE");
}

}  // namespace
}  // namespace ns
