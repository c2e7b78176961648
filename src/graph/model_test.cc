#include "graph/model.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <numeric>
#include <optional>

#include "base/file.h"
#include "graph/tensor_proto.h"
#include "graph/testing/model_files.h"
#include "graph/wire_write.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ModelTest, KeepsInputsOutputsAndOpset) {
  Model model = BigWeightModel();
  EXPECT_EQ(model.opset(), 17);
  EXPECT_EQ(model.OpsetOf("com.microsoft"), 0);
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.inputs()[0].name, "x");
  EXPECT_EQ(model.inputs()[0].shape, (Shape{-1, 512}));
  EXPECT_THAT(model.inputs()[0].dimension_names, ElementsAre("N", ""));
  EXPECT_EQ(model.outputs()[0].dtype, DType::kFloat);
}

TEST(ModelWeights, BigOnesLeaveTheProtoAndAreShared) {
  Model model = BigWeightModel();
  EXPECT_NE(model.SharedWeight("w"), nullptr);
  EXPECT_EQ(model.SharedWeight("one"), nullptr);
  EXPECT_LT(model.proto().ByteSizeLong(), 400u);
  EXPECT_EQ(model.WeightBytes(), 2048u + 4u);
  Model copy = model.Clone();
  EXPECT_EQ(copy.Weight("w")->data(), model.Weight("w")->data());
  EXPECT_TRUE(model.Verify().ok()) << model.Verify().ToString();
}

TEST(ModelWeights, ReplacesBigBySmallAndRemoves) {
  Model model = BigWeightModel();
  model.SetWeight("w", Tensor::From<float>({1}, {2.0f}));
  EXPECT_EQ(model.SharedWeight("w"), nullptr);
  EXPECT_THAT(model.Weight("w")->values<float>(), ElementsAre(2));
  model.SetWeight("extra", Tensor::From<int64_t>({2}, {7, 8}));
  EXPECT_THAT(model.WeightNames(), ElementsAre("one", "w", "extra"));
  EXPECT_TRUE(model.RemoveWeight("one"));
  EXPECT_FALSE(model.RemoveWeight("one"));
  EXPECT_THAT(model.Weight("extra")->values<int64_t>(), ElementsAre(7, 8));
  EXPECT_EQ(model.Weight("one").status().reason(), "NO_WEIGHT");
}

TEST(ModelWeights, UniqueNamesMissEverythingTaken) {
  Model model = BigWeightModel();
  EXPECT_EQ(model.UniqueName("w"), "w_1");
  EXPECT_EQ(model.UniqueName("w"), "w_2");
  EXPECT_EQ(model.UniqueName("p"), "p_1");
  EXPECT_EQ(model.UniqueName("fresh"), "fresh");
}

TEST(ModelWeights, UniqueNamesCountOnAfterThousands) {
  Model model = BigWeightModel();
  for (int i = 1; i <= 10'000; ++i) ASSERT_EQ(model.UniqueName("w"), "w_" + std::to_string(i));
}

TEST_F(ModelFileTest, SavesAndLoadsInOneFileWithoutCopyingTheWeight) {
  ASSERT_TRUE(BigWeightModel().Save(Path("m.onnx")).ok());
  EXPECT_THAT(Files(), ElementsAre("m.onnx"));
  Model model = Model::Load(Path("m.onnx")).value();
  const auto* weight = model.SharedWeight("w");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->file, Path("m.onnx"));
  EXPECT_EQ(model.Weight("w")->values<float>()[511], 511.0f);
  EXPECT_THAT(model.Weight("one")->values<float>(), ElementsAre(1));
}

TEST_F(ModelFileTest, AFileReadByProtobufItselfIsTheSameModel) {
  Model model = BigWeightModel();
  ASSERT_TRUE(model.Save(Path("m.onnx")).ok());
  std::string bytes = ReadFile(Path("m.onnx")).value();
  EXPECT_EQ(bytes, SerializeModel(model).value());
  ns_onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  ASSERT_EQ(proto.graph().initializer_size(), 2);
  EXPECT_EQ(proto.graph().initializer(1).raw_data().size(), 2048u);
  EXPECT_FALSE(proto.graph().initializer(1).has_data_location());
}

TEST_F(ModelFileTest, SavesExternalDataAlignedAndLoadsIt) {
  Model model = BigWeightModel();
  model.SetWeight("big", Tensor(DType::kFloat, {20000}));
  ASSERT_TRUE(model.Save(Path("m.onnx"), {.external_data = true}).ok());
  EXPECT_THAT(Files(), ElementsAre("m.onnx", "m.onnx.data"));
  Model loaded = Model::Load(Path("m.onnx")).value();
  EXPECT_EQ(loaded.SharedWeight("w")->file, Path("m.onnx.data"));
  EXPECT_EQ(loaded.SharedWeight("w")->file_offset % 64, 0u);
  EXPECT_EQ(loaded.SharedWeight("big")->file_offset, 4096u);  // over 64 KiB: on a page
  EXPECT_EQ(loaded.Weight("w")->values<float>()[100], 100.0f);
  EXPECT_EQ(loaded.Weight("w")->data(), loaded.SharedWeight("w")->bytes.data());
}

TEST_F(ModelFileTest, SavesExternalDataByItselfOverTheLimit) {
  Model model = BigWeightModel();  // 2048 bytes of weight and some structure
  ASSERT_TRUE(model.Save(Path("inline.onnx"), {.max_inline_bytes = 4000}).ok());
  EXPECT_THAT(Files(), ElementsAre("inline.onnx"));
  ASSERT_TRUE(model.Save(Path("over.onnx"), {.max_inline_bytes = 2000}).ok());
  EXPECT_THAT(Files(), ElementsAre("inline.onnx", "over.onnx", "over.onnx.data"));
  EXPECT_EQ(Model::Load(Path("over.onnx"))->Weight("w")->values<float>()[511], 511.0f);
}

// 2.3e9 int8 zeros, which take no space on the disk, and behind them, over 2^31 bytes into the file, 0, 1, 2, ...
TEST_F(ModelFileTest, LoadsExternalDataOver2Gb) {
  constexpr uint64_t kZeros = 2'300'000'000, kPlace = kZeros / 4096 * 4096 + 4096;
  FileDescriptor fd(::open(Path("m.bin").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(fd.get(), kPlace), 0);
  ASSERT_EQ(::lseek(fd.get(), kPlace, SEEK_SET), static_cast<off_t>(kPlace));
  std::vector<float> values(512);
  std::iota(values.begin(), values.end(), 0.0f);
  ASSERT_TRUE(WriteAll(fd.get(), {reinterpret_cast<const char*>(values.data()), 2048}, "m.bin").ok());
  ns_onnx::ModelProto proto = BigWeightModel().proto();
  auto* w = proto.mutable_graph()->mutable_initializer(1);
  SetExternalLocation(*w, "m.bin", kPlace, 2048);
  auto* zeros = proto.mutable_graph()->add_initializer();
  zeros->set_name("zeros");
  zeros->set_data_type(ns_onnx::TensorProto::INT8);
  zeros->add_dims(kZeros);
  SetExternalLocation(*zeros, "m.bin", 0, kZeros);
  Write("m.onnx", proto.SerializeAsString());
  auto model = Model::Load(Path("m.onnx"));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->WeightBytes(), kZeros + 2048 + 4);
  EXPECT_EQ(model->SharedWeight("w")->file_offset, kPlace);
  EXPECT_EQ(model->Weight("w")->values<float>()[511], 511.0f);
  EXPECT_EQ(model->Weight("zeros")->values<int8_t>()[kZeros - 1], 0);
}

TEST_F(ModelFileTest, OverwritesTheFileItIsMappedFrom) {
  ASSERT_TRUE(BigWeightModel().Save(Path("m.onnx")).ok());
  Model model = Model::Load(Path("m.onnx")).value();
  ASSERT_TRUE(model.Save(Path("m.onnx")).ok());
  EXPECT_EQ(Model::Load(Path("m.onnx"))->Weight("w")->values<float>()[7], 7.0f);
}

TEST_F(ModelFileTest, ReplacesAModelAndItsDataWithoutAMomentBetween) {
  Model model = BigWeightModel();
  ASSERT_TRUE(model.Save(Path("m.onnx"), {.external_data = true}).ok());
  Tensor twos(DType::kFloat, {512});
  std::fill(twos.mutable_values<float>().begin(), twos.mutable_values<float>().end(), 2.0f);
  model.SetWeight("w", twos);
  ASSERT_TRUE(model.Save(Path("m.onnx"), {.external_data = true}).ok());
  EXPECT_THAT(Files(), ElementsAre("m.onnx", "m.onnx.1.data"));
  EXPECT_EQ(Model::Load(Path("m.onnx"))->Weight("w")->values<float>()[511], 2.0f);
  // As a crash before the second rename leaves it: new data, and a model that refers to its own.
  Write("m.onnx.2.data", "unfinished business");
  EXPECT_EQ(Model::Load(Path("m.onnx"))->Weight("w")->values<float>()[511], 2.0f);
  ASSERT_TRUE(BigWeightModel().Save(Path("m.onnx"), {.external_data = true}).ok());
  EXPECT_EQ(Model::Load(Path("m.onnx"))->Weight("w")->values<float>()[511], 511.0f);
  EXPECT_EQ(Files().size(), 2u);
}

TEST_F(ModelFileTest, LeavesNothingWhenItCannotBeWritten) {
  Status status = BigWeightModel().Save(Path("no/such/folder/m.onnx"));
  EXPECT_EQ(status.code(), StatusCode::kNotFound) << status.ToString();
  fs::create_directory(Path("taken.onnx"));
  EXPECT_FALSE(BigWeightModel().Save(Path("taken.onnx"), {.external_data = true}).ok());
  EXPECT_THAT(Files(), ElementsAre("taken.onnx"));
}

TEST_F(ModelFileTest, MovesWeightsFromMemoryIntoAMappedFileWithoutAName) {
  std::optional<Model> clone;
  {
    Model model = BigWeightModel();
    model.SetWeight("second", Tensor(DType::kInt8, {5000}));
    EXPECT_EQ(model.InMemoryWeightBytes(), 2048u + 5000u);
    ASSERT_TRUE(model.MoveWeightsToTemporaryFile(dir_.path()).ok());
    EXPECT_THAT(Files(), ElementsAre());  // nothing to leave behind, whatever happens next
    EXPECT_EQ(model.InMemoryWeightBytes(), 0u);
    EXPECT_EQ(model.SharedWeight("second")->file_offset, 4096u);
    EXPECT_EQ(model.Weight("w")->values<float>()[511], 511.0f);
    clone = model.Clone();
  }
  const auto* weight = clone->SharedWeight("w");
  EXPECT_TRUE(weight->FileIsCurrent());
  EXPECT_EQ(weight->file, clone->SharedWeight("second")->file);
  // By its path, as the runtime reads it.
  EXPECT_EQ(fs::file_size(weight->file), 4096u + 5000u);
  std::string bytes = ReadFile(weight->file).value();
  EXPECT_EQ(bytes.substr(weight->file_offset, 2048), std::string(reinterpret_cast<const char*>(weight->bytes.data()), 2048));
  fs::path path = weight->file;
  clone.reset();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ModelFileTest, MovesNoWeightsToAFolderThatIsNotThere) {
  Model model = BigWeightModel();
  EXPECT_EQ(model.MoveWeightsToTemporaryFile(Path("none")).code(), StatusCode::kNotFound);
  EXPECT_EQ(model.InMemoryWeightBytes(), 2048u);
}

TEST_F(ModelFileTest, LeavesNothingWhenTheFileCannotGrow) {
  Model model = BigWeightModel();
  model.SetWeight("large", Tensor(DType::kFloat, {1 << 20}));
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = before;
  limit.rlim_cur = 1 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  Status inline_status = model.Save(Path("m.onnx"));
  Status external_status = model.Save(Path("m.onnx"), {.external_data = true});
  Status moved = model.MoveWeightsToTemporaryFile(dir_.path());
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(inline_status.ok());
  EXPECT_FALSE(external_status.ok());
  EXPECT_FALSE(moved.ok());
  EXPECT_THAT(Files(), ElementsAre());
  EXPECT_EQ(model.Weight("w")->values<float>()[3], 3.0f);
}

TEST_F(ModelFileTest, DroppedPagesComeBackFromTheFile) {
  Model model = BigWeightModel();
  model.SetWeight("large", Tensor(DType::kFloat, {5000}));
  ASSERT_TRUE(model.MoveWeightsToTemporaryFile(dir_.path()).ok());
  model.SetWeight("memory", Tensor::From<int64_t>({512}, std::span<const int64_t>(std::vector<int64_t>(512, 9))));
  model.DropWeightPages();
  model.DropWeightPages("w");
  EXPECT_EQ(model.Weight("w")->values<float>()[511], 511.0f);
  EXPECT_EQ(model.Weight("memory")->values<int64_t>()[511], 9);
}

TEST_F(ModelFileTest, ReadsFloatDataInPlace) {
  ns_onnx::ModelProto proto = BigWeightModel().proto();
  auto* w = proto.mutable_graph()->mutable_initializer(1);
  w->clear_external_data();
  w->clear_data_location();
  for (int i = 0; i < 512; ++i) w->add_float_data(static_cast<float>(2 * i));
  Write("m.onnx", proto.SerializeAsString());
  Model model = Model::Load(Path("m.onnx")).value();
  EXPECT_EQ(model.SharedWeight("w")->file, Path("m.onnx"));
  EXPECT_EQ(model.Weight("w")->values<float>()[3], 6.0f);
}

TEST_F(ModelFileTest, RefusesWhatIsNoModel) {
  EXPECT_EQ(Model::Load(Path("none.onnx")).status().reason(), "MODEL_NOT_FOUND");
  Write("empty.onnx", "");
  ExpectRefused("empty.onnx", "EMPTY_MODEL", "empty");
  Write("text.onnx", "import torch\nprint('hello, this is a Python script and no model')\n");
  ExpectRefused("text.onnx", "NOT_ONNX", "text");
  Write("cat.onnx", std::string_view("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  ExpectRefused("cat.onnx", "NOT_ONNX", "PNG");
  Write("lfs.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  ExpectRefused("lfs.onnx", "NOT_ONNX", "git lfs pull");
  Write("noise.onnx", std::string(100, '\xff'));
  ExpectRefused("noise.onnx", "NOT_ONNX", "protobuf");
  Write("nograph.onnx", std::string_view("\x08\x08\x42\x04\x0a\x00\x10\x11", 8));  // ir_version 8, opset 17
  ExpectRefused("nograph.onnx", "NO_GRAPH", "no graph");
}

TEST_F(ModelFileTest, EveryTruncationIsRefused) {
  ASSERT_TRUE(BigWeightModel().Save(Path("whole.onnx")).ok());
  std::string bytes = ReadFile(Path("whole.onnx")).value();
  for (size_t length : {bytes.size() - 1, bytes.size() / 2, size_t{300}}) {
    Write("cut.onnx", bytes.substr(0, length));
    ExpectRefused("cut.onnx", "TRUNCATED_MODEL", "cut short");
  }
  for (size_t length = 1; length < 300; ++length) {
    Write("cut.onnx", bytes.substr(0, length));
    EXPECT_FALSE(Model::Load(Path("cut.onnx")).ok()) << length;
  }
}

TEST_F(ModelFileTest, RefusesVersionsOutsideTheRange) {
  ns_onnx::ModelProto proto = BigWeightModel().proto();
  proto.mutable_graph()->mutable_initializer()->DeleteSubrange(1, 1);
  proto.mutable_opset_import(0)->set_version(10);
  Write("old.onnx", proto.SerializeAsString());
  ExpectRefused("old.onnx", "OPSET_TOO_OLD", "opset 10 is older than 11");
  proto.mutable_opset_import(0)->set_version(25);
  Write("new.onnx", proto.SerializeAsString());
  ExpectRefused("new.onnx", "OPSET_TOO_NEW", "opset 25 is newer than 24");
  proto.mutable_opset_import(0)->set_version(17);
  proto.set_ir_version(99);
  Write("ir.onnx", proto.SerializeAsString());
  ExpectRefused("ir.onnx", "IR_TOO_NEW", "99");
}

TEST_F(ModelFileTest, RefusesAnUnknownOperatorNamingIt) {
  ns_onnx::ModelProto proto = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1] x) => (float[1] y) { y = Relu(x) })")->proto();
  proto.mutable_graph()->mutable_node(0)->set_op_type("Rellu");
  Write("m.onnx", proto.SerializeAsString());
  ExpectRefused("m.onnx", "INVALID_MODEL", "Rellu");
}

TEST_F(ModelFileTest, RefusesNamesThatAreNotUtf8) {
  ns_onnx::ModelProto proto = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1] x) => (float[1] y) { a = Relu(x)  y = Neg(a) })")->proto();
  ns_onnx::ModelProto other = proto;
  other.mutable_graph()->mutable_node(0)->set_name("Gr\xC3\xB6\xC3\x9F" "e");
  Write("m.onnx", other.SerializeAsString());
  EXPECT_TRUE(Model::Load(Path("m.onnx")).ok());
  other.mutable_graph()->mutable_node(0)->set_name("Gr\xF6\xDF" "e");
  Write("m.onnx", other.SerializeAsString());
  ExpectRefused("m.onnx", "INVALID_MODEL", "the name 'Gr??e' in it is not UTF-8");
  proto.mutable_graph()->mutable_node(0)->set_output(0, "a\xFF");
  proto.mutable_graph()->mutable_node(1)->set_input(0, "a\xFF");
  Write("m.onnx", proto.SerializeAsString());
  ExpectRefused("m.onnx", "INVALID_MODEL", "'a?'");
}

TEST_F(ModelFileTest, RefusesAWeightWithTheWrongByteCount) {
  std::string bytes = SerializeModel(BigWeightModel()).value();
  ns_onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  proto.mutable_graph()->mutable_initializer(1)->set_dims(0, 511);
  Write("m.onnx", proto.SerializeAsString());
  ExpectRefused("m.onnx", "BAD_TENSOR", "holds 2048 bytes, its shape needs 2044");
  proto.mutable_graph()->mutable_initializer(1)->set_dims(0, -1);
  Write("m.onnx", proto.SerializeAsString());
  ExpectRefused("m.onnx", "BAD_TENSOR", "impossible shape");
}

}  // namespace
}  // namespace ns
