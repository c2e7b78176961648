#include "data/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "data/data_set.h"
#include "data/testing/files.h"

namespace ns {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using testing::Input;
using testing::Npy;
using testing::Values;
using testing::Zip;

constexpr uint64_t kNoLimit = uint64_t{1} << 40;

TEST(NpzTest, ReadsStoredAndCompressedArrays) {
  Folder folder;
  std::string x = Npy("<f4", "(2, 2)", Bytes<float>({1, 2, 3, 4}));
  std::string labels = Npy("<i8", "(2,)", Bytes<int64_t>({5, 6}));
  auto path =
      folder.Write("d.npz", Zip({{"x.npy", x, true, true}, {"labels.npy", labels, false, true}, {"readme.txt", "hi"}}));
  auto content = ReadNpz(path, kNoLimit);
  ASSERT_TRUE(content.ok()) << content.status().message();
  EXPECT_EQ(content->arrays.size(), 2u);
  EXPECT_EQ(content->arrays.at("x").shape(), (Shape{2, 2}));
  EXPECT_EQ(content->unusable.at("readme.txt").reason(), "UNSUPPORTED_ARRAY");
  DataSetOptions options;
  options.path = path;
  auto set = OpenDataSet(options, std::vector{Input("x", DType::kFloat, {-1, 2})});
  ASSERT_TRUE(set.ok()) << set.status().message();
  Batch batch = (*set)->Read(std::vector<int64_t>{1}).value();
  EXPECT_THAT(Values<float>(batch.inputs.at("x")), ElementsAre(3, 4));
  EXPECT_THAT(Values<int64_t>(*batch.labels), ElementsAre(6));
  EXPECT_THAT((*set)->guesses(), ElementsAre("not used: 'readme.txt'"));
}

TEST(NpzTest, ALargeCompressedArrayIsUnpackedOutsideOfMemory) {
  Folder folder;
  std::vector<uint8_t> values(70 << 20, 3);
  values.back() = 9;
  auto path = folder.Write("d.npz", Zip({{"x.npy", Npy("|u1", "(73400320,)", Bytes(values)), true}}));
  auto content = ReadNpz(path, kNoLimit);
  ASSERT_TRUE(content.ok()) << content.status().message();
  const auto* bytes = static_cast<const uint8_t*>(content->arrays.at("x").data());
  EXPECT_EQ(bytes[0], 3);
  EXPECT_EQ(bytes[values.size() - 1], 9);
  Status limited = ReadNpz(path, 1 << 20).status();
  EXPECT_EQ(limited.reason(), "ARRAY_TOO_LARGE");
  EXPECT_THAT(limited.message(), HasSubstr("its arrays need more than the 1048576 bytes allowed for unpacked data"));
}

TEST(NpzTest, ADamagedArrayIsNamed) {
  Folder folder;
  std::string archive = Zip({{"x.npy", Npy("<f4", "(2,)", "12345678")}});
  archive[archive.find("12345678")] = 'z';
  Status status = ReadNpz(folder.Write("d.npz", archive), kNoLimit).status();
  EXPECT_EQ(status.reason(), "BAD_FILE");
  EXPECT_THAT(status.message(), HasSubstr("d.npz': array 'x': entry 'x.npy' of the zip archive: its checksum is"));
}

TEST(NpzTest, AnUnusableArrayIsToldWhenAnInputNeedsIt) {
  Folder folder;
  DataSetOptions options;
  options.path = folder.Write("d.npz", Zip({{"x.npy", Npy(">f4", "(1, 2)", "12345678")}}));
  Status status = OpenDataSet(options, std::vector{Input("x", DType::kFloat, {-1, 2})}).status();
  EXPECT_EQ(status.reason(), "UNSUPPORTED_ARRAY");
  EXPECT_THAT(status.message(), HasSubstr("array 'x': it is big-endian"));
}

TEST(NpzTest, AFileThatIsNoArchiveIsRefused) {
  Folder folder;
  EXPECT_THAT(ReadNpz(folder.Write("d.npz", "hello"), kNoLimit).status().message(),
              HasSubstr("d.npz': not a zip archive, or one that is cut off"));
  EXPECT_EQ(ReadNpz(folder.Write("e.npz", ""), kNoLimit).status().reason(), "BAD_FILE");
  EXPECT_EQ(ReadNpz(folder.path() / "none.npz", kNoLimit).status().reason(), "FILE_NOT_FOUND");
}

}  // namespace
}  // namespace ns
