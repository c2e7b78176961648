#include "data/zip.h"

#include <gtest/gtest.h>

#include "data/testing/files.h"

namespace ns {
namespace {

using testing::Zip;

std::span<const std::byte> AsBytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string Extract(const ZipEntry& entry) {
  std::string content(entry.size, '\0');
  Status status = ExtractZipEntry(entry, reinterpret_cast<std::byte*>(content.data()));
  EXPECT_TRUE(status.ok()) << status.message();
  return content;
}

Status OpenStatus(const std::string& archive) { return ReadZipDirectory(AsBytes(archive)).status(); }

TEST(ZipTest, ReadsStoredDeflatedEmptyAndZip64Entries) {
  std::string text(100'000, 'x');
  std::string archive = Zip({{"stored", "abc", false, false},
                             {"deflated", text, true, false},
                             {"wide", "wxyz", true, true},
                             {"empty", "", true, false}});
  auto entries = ReadZipDirectory(AsBytes(archive));
  ASSERT_TRUE(entries.ok()) << entries.status().message();
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ(Extract((*entries)[0]), "abc");
  EXPECT_TRUE(Extract((*entries)[1]) == text);
  EXPECT_EQ(Extract((*entries)[2]), "wxyz");
  EXPECT_EQ(Extract((*entries)[3]), "");
}

TEST(ZipTest, ReadsAnEmptyArchiveAndOneWithAComment) {
  EXPECT_TRUE(ReadZipDirectory(AsBytes(Zip({}))).value().empty());
  std::string archive = Zip({{"a", "1"}});
  archive[archive.size() - 2] = 3;
  EXPECT_EQ(ReadZipDirectory(AsBytes(archive + "abc")).value().size(), 1u);
}

TEST(ZipTest, EveryTruncationIsRefused) {
  std::string archive = Zip({{"a", "content", true, false}});
  for (size_t size = 0; size < archive.size(); ++size) {
    Status status = OpenStatus(archive.substr(0, size));
    EXPECT_EQ(status.reason(), "BAD_FILE") << size;
  }
}

TEST(ZipTest, AnyChangedByteIsAnErrorOrHarmlessButNeverACrash) {
  std::string archive = Zip({{"a.npy", "some content here", true, true}, {"b", "more", false, false}});
  for (size_t at = 0; at < archive.size(); ++at) {
    for (int change : {1, 0x80, 0xFF}) {
      std::string damaged = archive;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      auto entries = ReadZipDirectory(AsBytes(damaged));
      if (!entries.ok()) continue;
      for (const ZipEntry& entry : *entries) {
        std::string content(std::min<uint64_t>(entry.size, 1 << 20), '\0');
        if (entry.size <= content.size()) (void)ExtractZipEntry(entry, reinterpret_cast<std::byte*>(content.data()));
      }
    }
  }
}

TEST(ZipTest, AWrongChecksumIsToldWithTheEntrysName) {
  std::string archive = Zip({{"abc", "hello"}});
  archive[archive.find("hello")] = 'j';
  auto entries = ReadZipDirectory(AsBytes(archive));
  ASSERT_TRUE(entries.ok());
  Status status = ExtractZipEntry((*entries)[0], nullptr);
  EXPECT_EQ(status.reason(), "BAD_FILE");
  EXPECT_NE(status.message().find("entry 'abc' of the zip archive: its checksum is"), std::string::npos)
      << status.message();
}

TEST(ZipTest, TwoEntriesOfOneNameAreRefused) {
  Status status = OpenStatus(Zip({{"a", "1"}, {"a", "2"}}));
  EXPECT_EQ(status.message(), "zip archive with two entries 'a'");
}

TEST(ZipTest, AnEncryptedEntryAndAnUnknownMethodAreRefused) {
  std::string archive = Zip({{"a", "1"}});
  size_t record = archive.find("PK\x01\x02");
  std::string encrypted = archive;
  encrypted[record + 8] = 1;
  EXPECT_EQ(OpenStatus(encrypted).message(), "entry 'a' of the zip archive: it is encrypted");
  std::string lzma = archive;
  lzma[record + 10] = 14;
  EXPECT_EQ(OpenStatus(lzma).message(),
            "entry 'a' of the zip archive: compression method 14 is not read (stored and deflated are)");
}

TEST(ZipTest, ASizeThatDeflateCantReachIsRefusedBeforeMemoryIsTaken) {
  std::string archive = Zip({{"a", "1234567890", true, false}});
  size_t record = archive.find("PK\x01\x02");
  archive[record + 27] = 0x40;  // size: more than 2^30
  EXPECT_NE(OpenStatus(archive).message().find("can't hold"), std::string::npos);
}

TEST(ZipTest, ATextFileIsNoArchive) {
  EXPECT_EQ(OpenStatus("hello, this is not a zip archive at all").message(),
            "not a zip archive, or one that is cut off");
}

}  // namespace
}  // namespace ns
