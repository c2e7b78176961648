#include "service/external_data.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

std::string Varint(size_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
// A length-delimited field of protobuf.
std::string Field(size_t number, const std::string& bytes) { return Varint(number << 3 | 2) + Varint(bytes.size()) + bytes; }
std::string Entry(const std::string& key, const std::string& value) { return Field(13, Field(1, key) + Field(2, value)); }
std::string Tensor(const std::string& location) { return Entry("location", location) + Entry("offset", "0"); }

std::vector<std::string> Found(const std::string& model) {
  TempDir folder = TempDir::Create("ns_external_").value();
  EXPECT_TRUE(WriteFileAtomic(folder.path() / "m.onnx", model).ok());
  return ExternalDataOf(folder.path() / "m.onnx").value();
}

TEST(ExternalDataTest, FindsWhatInitializersAttributesAndInnerGraphsName) {
  std::string inner = Field(5, Tensor("inner.bin"));
  std::string nodes = Field(1, Field(5, Field(5, Tensor("constant")))) + Field(1, Field(5, Field(6, inner)));
  EXPECT_EQ(Found(Field(7, Field(5, Tensor("weights.data")) + Field(5, Tensor("./weights.data")) + nodes)),
            (std::vector<std::string>{"constant", "inner.bin", "weights.data"}));
}

TEST(ExternalDataTest, LocationsOutsideOfTheModelsFolderAreLeftOut) {
  EXPECT_TRUE(Found(Field(7, Field(5, Tensor("../secret")) + Field(5, Tensor("/etc/shadow")))).empty());
}

TEST(ExternalDataTest, WhatIsNoModelHasNone) {
  EXPECT_TRUE(Found("not a model at all").empty());
  EXPECT_TRUE(Found("").empty());
  EXPECT_TRUE(Found(std::string(100, '\xff')).empty());
}

}  // namespace
}  // namespace ns
