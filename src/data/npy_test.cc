#include "data/npy.h"

#include <gtest/gtest.h>

#include "data/testing/files.h"

namespace ns {
namespace {

using testing::Npy;

Result<NpyHeader> Parse(const std::string& file) { return ParseNpyHeader(std::as_bytes(std::span(file)), file.size()); }
Status ParseHeader(std::string_view header, std::string_view data = "") {
  return Parse(Npy("", "", data, header)).status();
}

TEST(NpyTest, ReadsTypeShapeAndWhereTheElementsBegin) {
  auto header = Parse(Npy("<f4", "(2, 3)", std::string(24, '\0')));
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header->dtype, DType::kFloat);
  EXPECT_EQ(header->shape, (Shape{2, 3}));
  EXPECT_EQ(header->data_offset, 128u);
}

TEST(NpyTest, ReadsEveryNumberTypeAndTheFormsOfAShape) {
  EXPECT_EQ(Parse(Npy("|u1", "(3,)", "abc"))->dtype, DType::kUint8);
  EXPECT_EQ(Parse(Npy("|b1", "(1,)", "a"))->dtype, DType::kBool);
  EXPECT_EQ(Parse(Npy("<i8", "()", "12345678"))->shape, Shape{});
  EXPECT_EQ(Parse(Npy("<f2", "(2L,)", "1234"))->dtype, DType::kFloat16);
  EXPECT_EQ(Parse(Npy("<f8", "(0, 5)", ""))->shape, (Shape{0, 5}));
}

TEST(NpyTest, ReadsFormats2And3WithTheirLongerLength) {
  std::string dict = "{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}\n";
  for (char version : {'\x02', '\x03'}) {
    std::string file = std::string("\x93NUMPY") + version + '\0' + static_cast<char>(dict.size()) +
                       std::string(3, '\0') + dict + "1234";
    auto header = Parse(file);
    ASSERT_TRUE(header.ok()) << header.status().message();
    EXPECT_EQ(header->dtype, DType::kInt32);
  }
}

TEST(NpyTest, RefusesWhatIsNoPlainNumberAndSaysHowToSaveIt) {
  EXPECT_EQ(
      Parse(Npy("<f4", "(1,)", "1234", "{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}")).status().message(),
      "it lies in column-major (Fortran) order; save it with np.ascontiguousarray(array)");
  EXPECT_EQ(Parse(Npy(">f4", "(1,)", "1234")).status().message(),
            "it is big-endian; save it with .astype(array.dtype.newbyteorder('<'))");
  EXPECT_EQ(Parse(Npy("|O", "(1,)", "1234")).status().message(), "it holds Python objects; save an array of numbers");
  EXPECT_EQ(Parse(Npy("<U3", "(1,)", "123456789012")).status().message(), "it holds strings; save an array of numbers");
  EXPECT_EQ(Parse(Npy("<M8[ns]", "(1,)", "12345678")).status().reason(), "UNSUPPORTED_ARRAY");
  EXPECT_EQ(ParseHeader("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}").message(),
            "it is a structured array; a plain array of numbers is needed");
}

TEST(NpyTest, RefusesElementsThatAreMissingOrTooMany) {
  EXPECT_EQ(Parse(Npy("<f4", "(2,)", "1234")).status().message(),
            "its shape [2] of float32 needs 8 bytes, there are 4");
  EXPECT_EQ(Parse(Npy("<f4", "(1,)", "12345678")).status().reason(), "BAD_FILE");
}

TEST(NpyTest, RefusesSizesThatOverflow) {
  EXPECT_EQ(Parse(Npy("<f8", "(4611686018427387904, 4611686018427387904, 0)", "")).status().reason(), "BAD_FILE");
  EXPECT_EQ(Parse(Npy("<f8", "(9223372036854775808,)", "")).status().reason(), "BAD_FILE");
  EXPECT_EQ(Parse(Npy("<f8", "(-1,)", "")).status().reason(), "BAD_FILE");
}

TEST(NpyTest, RefusesDamagedHeaders) {
  for (std::string_view header :
       {"", "{", "{}", "{'descr'}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "{'other': 1}"}) {
    EXPECT_EQ(ParseHeader(header, "1234").reason(), "BAD_FILE") << header;
  }
  std::string good = Npy("<f4", "(1,)", "1234");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(Parse(good.substr(0, size)).status().reason(), "BAD_FILE") << size;
  }
}

}  // namespace
}  // namespace ns
