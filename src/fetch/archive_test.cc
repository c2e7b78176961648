#include "fetch/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Item {
  std::string name, content;
  int type = AE_IFREG;
  std::string symlink = "", hardlink = "";
};

enum class Form { kZip, kTar, kTarGz, kTarXz, kTarZst, kTarGzGz };

class ArchiveTest : public testing::Test {
 protected:
  fs::path Pack(const std::vector<Item>& items, Form form = Form::kTar) {
    fs::path path = folder_.path() / "a.bin";
    std::unique_ptr<archive, int (*)(archive*)> out(archive_write_new(), archive_write_free);
    if (form == Form::kZip) {
      archive_write_set_format_zip(out.get());
    } else {
      archive_write_set_format_gnutar(out.get());
    }
    if (form == Form::kTarGz || form == Form::kTarGzGz) archive_write_add_filter_gzip(out.get());
    if (form == Form::kTarGzGz) archive_write_add_filter_gzip(out.get());
    if (form == Form::kTarXz) archive_write_add_filter_xz(out.get());
    if (form == Form::kTarZst) archive_write_add_filter_zstd(out.get());
    EXPECT_EQ(archive_write_open_filename(out.get(), path.c_str()), ARCHIVE_OK);
    for (const Item& item : items) {
      std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
      archive_entry_set_pathname(entry.get(), item.name.c_str());
      archive_entry_set_filetype(entry.get(), static_cast<unsigned>(item.type));
      archive_entry_set_perm(entry.get(), 0777);
      archive_entry_set_size(entry.get(), static_cast<int64_t>(item.content.size()));
      if (!item.symlink.empty()) archive_entry_set_symlink(entry.get(), item.symlink.c_str());
      if (!item.hardlink.empty()) archive_entry_set_hardlink(entry.get(), item.hardlink.c_str());
      EXPECT_EQ(archive_write_header(out.get(), entry.get()), ARCHIVE_OK) << archive_error_string(out.get());
      archive_write_data(out.get(), item.content.data(), item.content.size());
    }
    archive_write_close(out.get());
    return path;
  }
  Status Unpack(const fs::path& archive) { return UnpackArchive(archive, out(), limits_); }
  fs::path out() const { return folder_.path() / "out"; }
  // Nothing but the archive is left.
  void ExpectNothingLeft() {
    for (const auto& entry : fs::directory_iterator(folder_.path())) EXPECT_EQ(entry.path().filename(), "a.bin");
  }
  void ExpectRefused(const std::vector<Item>& items, const std::string& reason, const std::string& why, Form form = Form::kTar) {
    Status status = Unpack(Pack(items, form));
    EXPECT_EQ(status.reason(), reason) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(why));
    ExpectNothingLeft();
  }

  TempDir folder_ = TempDir::Create("archive").value();
  UnpackLimits limits_;
};

TEST_F(ArchiveTest, EveryFormIsUnpacked) {
  for (Form form : {Form::kZip, Form::kTar, Form::kTarGz, Form::kTarXz, Form::kTarZst}) {
    Status status = Unpack(Pack({{"bert", "", AE_IFDIR}, {"bert/config.json", "{}"}, {"./bert//onnx/model.onnx", "weights"}}, form));
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(ReadFile(out() / "bert/config.json").value(), "{}");
    EXPECT_EQ(ReadFile(out() / "bert/onnx/model.onnx").value(), "weights");
    EXPECT_EQ(fs::status(out() / "bert/config.json").permissions() & fs::perms::others_exec, fs::perms::none);
    fs::remove_all(out());
  }
}

TEST_F(ArchiveTest, AHoleAtTheEndIsPartOfTheFile) {
  fs::path path = folder_.path() / "a.bin";
  std::unique_ptr<archive, int (*)(archive*)> out_file(archive_write_new(), archive_write_free);
  archive_write_set_format_pax(out_file.get());
  ASSERT_EQ(archive_write_open_filename(out_file.get(), path.c_str()), ARCHIVE_OK);
  std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), "sparse");
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_size(entry.get(), 100'000);
  archive_entry_sparse_add_entry(entry.get(), 0, 5);
  ASSERT_EQ(archive_write_header(out_file.get(), entry.get()), ARCHIVE_OK);
  std::string content = "bytes" + std::string(100'000 - 5, '\0');
  archive_write_data(out_file.get(), content.data(), content.size());
  archive_write_close(out_file.get());
  ASSERT_TRUE(Unpack(path).ok());
  EXPECT_TRUE(ReadFile(out() / "sparse").value() == content);
  fs::remove_all(out());
  limits_.max_bytes = 99'999;
  EXPECT_EQ(Unpack(path).reason(), "ARCHIVE_TOO_LARGE");
}

TEST_F(ArchiveTest, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../evil", "a/../../evil", "a/..", "..", "/etc/evil", "//evil", "a\\..\\evil", "a\nb"}) {
    for (Form form : {Form::kTar, Form::kZip}) {
      Status status = Unpack(Pack({{"good", "x"}, {name, "evil"}}, form));
      EXPECT_EQ(status.reason(), "BAD_ARCHIVE_ENTRY") << name << ": " << status.message();
      ExpectNothingLeft();
    }
  }
  EXPECT_FALSE(fs::exists(folder_.path().parent_path() / "evil"));
}

TEST_F(ArchiveTest, LinksAndDevicesAreRefused) {
  ExpectRefused({{"link", "", AE_IFLNK, "/etc"}, {"link/passwd", "x"}}, "BAD_ARCHIVE_ENTRY", "is a link");
  ExpectRefused({{"link", "", AE_IFLNK, "good"}}, "BAD_ARCHIVE_ENTRY", "is a link");
  ExpectRefused({{"link", "", AE_IFLNK, "/etc/passwd"}}, "BAD_ARCHIVE_ENTRY", "is a link", Form::kZip);
  ExpectRefused({{"hard", "", AE_IFREG, "", "/etc/passwd"}}, "BAD_ARCHIVE_ENTRY", "is a link");
  ExpectRefused({{"pipe", "", AE_IFIFO}}, "BAD_ARCHIVE_ENTRY", "neither a file nor a folder");
  ExpectRefused({{"null", "", AE_IFCHR}}, "BAD_ARCHIVE_ENTRY", "neither a file nor a folder");
}

TEST_F(ArchiveTest, ANameTwiceIsRefused) {
  ExpectRefused({{"a", "1"}, {"a", "2"}}, "BAD_ARCHIVE_ENTRY", "is there twice");
  ExpectRefused({{"a", "1"}, {"./a", "2"}}, "BAD_ARCHIVE_ENTRY", "is there twice");
  ExpectRefused({{"a", "1"}, {"a/b", "2"}}, "BAD_ARCHIVE_ENTRY", "what is a file before it");
  ExpectRefused({{"a/b", "1"}, {"a", "2"}}, "BAD_ARCHIVE_ENTRY", "is there twice");
  ExpectRefused({{"a", "1"}, {"a", "", AE_IFDIR}}, "BAD_ARCHIVE_ENTRY", "as a file too");
}

TEST_F(ArchiveTest, EachLimitHolds) {
  limits_.max_entries = 2;
  ExpectRefused({{"a", ""}, {"b", ""}, {"c", ""}}, "ARCHIVE_TOO_LARGE", "2 entries");
  limits_ = {};
  limits_.max_bytes = 10;
  EXPECT_TRUE(Unpack(Pack({{"a", "12345"}, {"b", "12345"}})).ok());
  fs::remove_all(out());
  ExpectRefused({{"a", "12345"}, {"b", "123456"}}, "ARCHIVE_TOO_LARGE", "10 bytes");
  limits_ = {};
  limits_.max_depth = 3;
  ExpectRefused({{"a/b/c/d", "x"}}, "BAD_ARCHIVE_ENTRY", "3 folders deep");
  ExpectRefused({{std::string(256, 'x'), "x"}}, "BAD_ARCHIVE_ENTRY", "255 bytes");
  limits_.max_path_bytes = 20;
  ExpectRefused({{std::string(21, 'x'), "x"}}, "BAD_ARCHIVE_ENTRY", "20 bytes");
}

TEST_F(ArchiveTest, ABombIsRefusedBeforeItIsUnpacked) {
  limits_.ratio_free_bytes = 1 << 20;
  std::string zeros(64 << 20, '\0');
  for (Form form : {Form::kZip, Form::kTarGz, Form::kTarXz, Form::kTarZst}) {
    ExpectRefused({{"zeros", zeros}}, "ARCHIVE_TOO_LARGE", "times its size", form);
  }
  EXPECT_TRUE(Unpack(Pack({{"zeros", zeros}})).ok());  // as large as it looks
}

TEST_F(ArchiveTest, PackedTwiceIsRefused) { ExpectRefused({{"a", "x"}}, "BAD_ARCHIVE", "packed more than once", Form::kTarGzGz); }

TEST_F(ArchiveTest, DamagedOrOtherFilesAreRefused) {
  std::string content = ReadFile(Pack({{"a", std::string(100'000, 'x')}}, Form::kTarGz)).value();
  for (const std::string& bad : {std::string("not an archive at all"), std::string(), content.substr(0, content.size() / 2)}) {
    ASSERT_TRUE(WriteFileAtomic(folder_.path() / "a.bin", bad).ok());
    EXPECT_EQ(Unpack(folder_.path() / "a.bin").reason(), "BAD_ARCHIVE") << bad.size();
    ExpectNothingLeft();
  }
}

TEST_F(ArchiveTest, CanBeStoppedAndNeverReplaces) {
  limits_.stopped = [] { return true; };
  EXPECT_EQ(Unpack(Pack({{"a", "x"}})).code(), StatusCode::kCancelled);
  ExpectNothingLeft();
  limits_.stopped = nullptr;
  fs::create_directory(out());
  EXPECT_EQ(Unpack(Pack({{"a", "x"}})).reason(), "FOLDER_EXISTS");
}

}  // namespace
}  // namespace ns
