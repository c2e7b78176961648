#include "huggingface/weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"
#include "huggingface/testing/weight_files.h"

namespace ns {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Safetensors;
using testing::Values;

class SafetensorsTest : public ::testing::Test {
 protected:
  Result<StoredTensors> Read(std::string_view header, std::string_view data) {
    return ReadSafetensors(folder_.Write("model.safetensors", Safetensors(header, data)));
  }
  void ExpectRefused(std::string_view header, std::string_view data, const std::string& words) {
    Status status = Read(header, data).status();
    EXPECT_EQ(status.reason(), "BAD_WEIGHTS") << header;
    EXPECT_THAT(status.message(), HasSubstr(words)) << header;
    EXPECT_THAT(status.message(), HasSubstr("model.safetensors"));
  }
  testing::Folder folder_;
};

TEST_F(SafetensorsTest, ReadsTensorsWhereTheyLie) {
  auto tensors = Read(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I64","shape":[2],"data_offsets":[8,24]},
      "a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})",
                      Bytes<float>({1.5f, -2}) + Bytes<int64_t>({7, -8}));
  ASSERT_TRUE(tensors.ok()) << tensors.status().message();
  ASSERT_EQ(tensors->size(), 2u);
  Tensor a = ReadTensor(tensors->at("a")).value();
  EXPECT_THAT(a.shape(), ElementsAre(1, 2));
  EXPECT_EQ(a.data(), tensors->at("a").data) << "shared, not copied";
  std::vector<float> values(2);
  std::memcpy(values.data(), a.data(), 8);
  EXPECT_THAT(values, ElementsAre(1.5f, -2));
  EXPECT_EQ(tensors->at("b").dtype, DType::kInt64);
}

TEST_F(SafetensorsTest, HalfBfloatAndDoubleBecomeFloats) {
  auto tensors = Read(
      R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},
      "d":{"dtype":"F64","shape":[],"data_offsets":[6,14]}})",
      Bytes<uint16_t>({0x3E00, 0xC000, 0x40A0}) + Bytes<double>({0.25}));
  ASSERT_TRUE(tensors.ok()) << tensors.status().message();
  EXPECT_THAT(Values<float>(ReadTensor(tensors->at("h")).value()), ElementsAre(1.5f, -2));  // 1.1b · 2^0, -1.0b · 2^1
  EXPECT_THAT(Values<float>(ReadTensor(tensors->at("b")).value()), ElementsAre(5));         // 1.01b · 2^2
  EXPECT_THAT(Values<float>(ReadTensor(tensors->at("d")).value()), ElementsAre(0.25f));
}

TEST_F(SafetensorsTest, ATypeThatIsNotReadIsOnlyAnErrorWhereItIsUsed) {
  auto tensors = Read(R"({"f":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}})", "abc");
  ASSERT_TRUE(tensors.ok()) << tensors.status().message();
  EXPECT_EQ(ReadTensor(tensors->at("f")).status().reason(), "WEIGHT_TYPE");
  EXPECT_THAT(ReadTensor(tensors->at("f")).status().message(), HasSubstr("F8_E4M3"));
}

TEST_F(SafetensorsTest, TensorsThatOverlapOrLeaveGapsAreRefused) {
  ExpectRefused(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
      "abc", "tensor 'b' begins at byte 1, the one before it ends at 2");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", "abc", "begins at byte 1");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "abc", "end at byte 2 of 3");
}

TEST_F(SafetensorsTest, SizesThatContradictTheShapeAreRefused) {
  ExpectRefused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "abcd", "tensor 'a': it has 4 bytes");
  ExpectRefused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "", "it has 0 bytes");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", "abc",
                "lies outside the file: is the file cut off?");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[3,2]}})", "abc", "not begin and end");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "a", "holds what is no size");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", "a", "holds what is no size");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", "a",
                "17 axes");
  ExpectRefused(R"({"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}})", "a", "its type 'Q4' is not known");
}

TEST_F(SafetensorsTest, HeadersThatAreNoneAreRefused) {
  ExpectRefused("[]", "", "its header is not a JSON object");
  ExpectRefused("{", "", "its header is not JSON");
  ExpectRefused(R"({"a":1})", "", "its entry is not an object");
  ExpectRefused(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}})", "", "has the key 'a' twice");
  ExpectRefused(R"({"a":{"dtype":[[]]}})", "", "nested more than 3 levels deep");
  ExpectRefused(std::string(100'000, '['), "", "nested more than 3 levels deep");
  for (const std::string& bytes :
       {std::string("abc"), std::string(8, '\xff') + "{}", std::string("\x03\0\0\0\0\0\0\0{}", 10)}) {
    EXPECT_EQ(ReadSafetensors(folder_.Write("x.safetensors", bytes)).status().reason(), "BAD_WEIGHTS");
  }
  EXPECT_EQ(ReadSafetensors(folder_.path() / "none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace ns
