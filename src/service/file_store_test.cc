#include "service/file_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileStoreTest : public testing::Test {
 protected:
  FileStoreTest() {
    options_.folder = folder_.path() / "uploads";
    options_.max_bytes = 1000;
    Open();
  }
  void Open() { store_ = FileStore::Open(options_, clock_).value(); }
  static UploadRequest Whole(const std::string& name, uint64_t size) {
    UploadRequest request;
    request.name = name;
    request.end = request.total = size;
    return request;
  }
  static UploadRequest Piece(const std::string& name, uint64_t first, uint64_t end, uint64_t total) {
    UploadRequest request = Whole(name, total);
    request.first = first;
    request.end = end;
    return request;
  }
  Result<Upload::Outcome> Send(const UploadRequest& request, const std::string& content) {
    NS_ASSIGN_OR_RETURN(auto upload, store_->Begin(request));
    for (size_t at = 0; at < content.size(); at += 3) NS_RETURN_IF_ERROR(upload->Take(std::string_view(content).substr(at, 3)));
    return upload->Finish();
  }
  StoredFile Put(const std::string& name, const std::string& content) { return *Send(Whole(name, content.size()), content).value().file; }
  size_t Count(const char* folder) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(options_.folder / folder), fs::directory_iterator()));
  }
  static void Age(const fs::path& path, int seconds) {
    timespec times[2] = {{::time(nullptr) - seconds, 0}, {::time(nullptr) - seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  TempDir folder_ = TempDir::Create("files").value();
  FileStore::Options options_;
  SystemClock clock_;
  std::unique_ptr<FileStore> store_;
};

TEST_F(FileStoreTest, AFileIsThereUnderItsIdItsDigestAndItsName) {
  StoredFile file = Put("model.onnx", "content");
  EXPECT_EQ(file.sha256, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73");  // sha256sum of "content"
  EXPECT_EQ(file.id.size(), 32u);
  Open();
  for (const std::string& name : {file.id, file.sha256}) EXPECT_EQ(ReadFile(store_->Get("", name)->path).value(), "content");
  EXPECT_EQ(store_->GetNamed("", "model.onnx")->id, file.id);
  EXPECT_EQ(file.path.filename(), "model.onnx");
  EXPECT_EQ(store_->Get("", std::string(32, '0')).status().reason(), "UNKNOWN_FILE");
  EXPECT_EQ(store_->Get("", "../../x").status().reason(), "UNKNOWN_FILE");
}

TEST_F(FileStoreTest, AnUploadOfUnknownLengthEndsBeforeTheDiskIsFull) {
  options_.max_bytes = 100 << 20;
  options_.free_bytes = 10 << 20;
  options_.disk_free = [](const fs::path& folder) -> Result<uint64_t> {  // 50 MiB, of which uploads take their part
    uint64_t used = 0;
    for (const auto& entry : fs::directory_iterator(folder / "partial")) used += entry.file_size();
    return (50 << 20) - used;
  };
  Open();
  UploadRequest request;
  request.name = "endless";
  auto upload = store_->Begin(request).value();
  const std::string piece(1 << 20, 'x');
  Status status;
  int taken = 0;
  for (; taken < 100 && status.ok(); ++taken) status = upload->Take(piece);
  EXPECT_EQ(status.reason(), "DISK_FULL");
  EXPECT_EQ(taken, 48);  // 16 and 32 MiB leave room
  EXPECT_EQ(Count("partial"), 0u);
}

TEST_F(FileStoreTest, BytesWithoutANameGoWhenItIsOpened) {
  StoredFile kept = Put("a.csv", "kept");
  ASSERT_TRUE(WriteFileAtomic(options_.folder / "blobs" / std::string(64, '0'), "a crash came before its name").ok());
  Open();
  EXPECT_EQ(Count("blobs"), 1u);
  EXPECT_EQ(ReadFile(store_->Get("", kept.id)->path).value(), "kept");
}

TEST_F(FileStoreTest, BytesThatCannotBeNamedDoNotStay) {
  // A file where the name's folder has to be made.
  StoredFile first = Put("model.onnx", "content");
  ASSERT_TRUE(store_->Remove("", first.id).ok());
  ASSERT_TRUE(WriteFileAtomic(options_.folder / "files" / first.id, "in the way").ok());
  EXPECT_FALSE(Send(Whole("model.onnx", 7), "content").ok());
  EXPECT_EQ(Count("blobs"), 0u);
  EXPECT_EQ(Count("partial"), 0u);
}

TEST_F(FileStoreTest, TheSameBytesAreKeptOnce) {
  StoredFile a = Put("a.csv", "same"), b = Put("b.tsv", "same");
  auto again = Send(Whole("a.csv", 4), "same").value();
  EXPECT_TRUE(again.existed);
  EXPECT_EQ(again.file->id, a.id);
  EXPECT_NE(a.id, b.id);
  EXPECT_EQ(Count("blobs"), 1u);
  EXPECT_EQ(Count("files"), 2u);
  EXPECT_EQ(Count("partial"), 0u);
  struct stat first {}, second {};
  ASSERT_EQ(::stat(a.path.c_str(), &first) + ::stat(b.path.c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  ASSERT_TRUE(store_->Remove("", a.id).ok());
  EXPECT_EQ(ReadFile(b.path).value(), "same");
  ASSERT_TRUE(store_->Remove("", b.id).ok());
  EXPECT_EQ(Count("blobs"), 0u);
}

TEST_F(FileStoreTest, ABrokenUploadGoesOnWhereItBroke) {
  {
    auto upload = store_->Begin(Whole("m", 10)).value();
    ASSERT_TRUE(upload->Take("0123").ok());
  }
  Open();
  PartialFile part = store_->Part("", "m").value();
  EXPECT_EQ(part.received, 4u);
  EXPECT_EQ(part.size, 10u);
  EXPECT_EQ(Send(Piece("m", 4, 10, 10), "456789")->file->sha256, Sha256Hex("0123456789"));
  EXPECT_EQ(store_->Part("", "m").status().reason(), "UNKNOWN_FILE");
}

TEST_F(FileStoreTest, PiecesMayOverlapButNotLeaveAHole) {
  EXPECT_FALSE(Send(Piece("m", 0, 4, 10), "0123")->file);
  Status hole = Send(Piece("m", 5, 10, 10), "56789").status();
  EXPECT_EQ(hole.reason(), "WRONG_OFFSET");
  EXPECT_THAT(hole.message(), HasSubstr("4 bytes of 'm' have arrived"));
  EXPECT_EQ(Send(Piece("m", 2, 10, 11), "23456789").status().reason(), "WRONG_OFFSET");  // of another file
  EXPECT_EQ(Send(Piece("m", 2, 10, 10), "23456789")->file->sha256, Sha256Hex("0123456789"));
}

TEST_F(FileStoreTest, AfterAPowerCutOnlyWhatWasSyncedCounts) {
  ASSERT_FALSE(Send(Piece("m", 0, 4, 10), "0123")->file);
  fs::path data, record;
  for (const auto& entry : fs::directory_iterator(options_.folder / "partial")) (entry.path().extension() == ".json" ? record : data) = entry.path();
  ASSERT_TRUE(WriteAll(FileDescriptor(::open(data.c_str(), O_WRONLY | O_APPEND)).get(), "????", "m").ok());
  EXPECT_EQ(store_->Part("", "m")->received, 8u);  // written by a process that was killed: the machine has it
  PartialRecord before = ParsePartialRecord(ReadFile(record).value()).value();
  before.boot_id = "another";
  ASSERT_TRUE(WriteFileAtomic(record, PartialRecordJson(before)).ok());
  EXPECT_EQ(store_->Part("", "m")->received, 4u);
  EXPECT_EQ(Send(Piece("m", 4, 10, 10), "456789")->file->sha256, Sha256Hex("0123456789"));
}

TEST_F(FileStoreTest, AWrongDigestLeavesNothing) {
  UploadRequest request = Whole("m", 3);
  request.sha256 = Sha256Hex("abd");
  EXPECT_EQ(Send(request, "abc").status().reason(), "DIGEST_MISMATCH");
  request.sha256 = Sha256Hex("abc");
  request.content_sha256 = Sha256Hex("x");
  EXPECT_EQ(Send(request, "abc").status().reason(), "DIGEST_MISMATCH");
  EXPECT_EQ(Count("partial") + Count("files") + Count("blobs"), 0u);
  request.content_sha256 = request.sha256;
  EXPECT_TRUE(Send(request, "abc")->file);
}

TEST_F(FileStoreTest, TheLimitHoldsWhateverIsAnnounced) {
  EXPECT_EQ(store_->Begin(Whole("m", 1001)).status().reason(), "FILE_TOO_LARGE");
  UploadRequest untold;
  untold.name = "m";
  EXPECT_EQ(Send(untold, std::string(1001, 'x')).status().reason(), "FILE_TOO_LARGE");
  EXPECT_EQ(Count("partial"), 0u);
  EXPECT_TRUE(Send(untold, std::string(1000, 'x'))->file);
  EXPECT_EQ(Send(Whole("n", 2), "abc").status().reason(), "UPLOAD_TOO_LONG");
}

TEST_F(FileStoreTest, ADiskWithoutRoomIsSaidBeforeTheBodyComes) {
  options_.free_bytes = UINT64_MAX;
  Open();
  EXPECT_EQ(store_->Begin(Whole("m", 3)).status().reason(), "DISK_FULL");
  EXPECT_EQ(Count("partial"), 0u);
}

TEST_F(FileStoreTest, TheNewerOfTwoUploadsWins) {
  auto older = store_->Begin(Whole("m", 6)).value();
  ASSERT_TRUE(older->Take("old").ok());
  auto newer = store_->Begin(Whole("m", 3)).value();
  EXPECT_EQ(older->Take("old").reason(), "UPLOAD_TAKEN_OVER");
  older.reset();
  ASSERT_TRUE(newer->Take("new").ok());
  EXPECT_EQ(newer->Finish()->file->sha256, Sha256Hex("new"));
}

TEST_F(FileStoreTest, NamesStayInTheirFolder) {
  for (const char* bad : {"", ".", "..", "../x", "a/b", ".hidden", "a\nb", "meta.json"}) {
    EXPECT_EQ(store_->Begin(Whole(bad, 1)).status().reason(), "BAD_FILE_NAME") << bad;
  }
  EXPECT_EQ(store_->Begin(Whole(std::string(201, 'x'), 1)).status().reason(), "BAD_FILE_NAME");
  EXPECT_EQ(Put("wei\xC3\x9F $(x).csv", "x").name, "wei\xC3\x9F $(x).csv");
}

TEST_F(FileStoreTest, OwnersDoNotSeeEachOther) {
  UploadRequest request = Whole("m", 1);
  request.owner = "ann";
  StoredFile file = *Send(request, "x")->file;
  EXPECT_TRUE(store_->Get("ann", file.id).ok());
  for (const char* other : {"", "bob"}) {
    EXPECT_EQ(store_->Get(other, file.id).status().reason(), "UNKNOWN_FILE");
    EXPECT_EQ(store_->Get(other, file.sha256).status().reason(), "UNKNOWN_FILE");
    EXPECT_EQ(store_->Remove(other, file.id).reason(), "UNKNOWN_FILE");
    EXPECT_TRUE(store_->List(other)->empty());
  }
  EXPECT_TRUE(store_->Get(std::nullopt, file.id).ok());
  EXPECT_EQ(store_->List(std::nullopt)->size(), 1u);
  EXPECT_NE(Put("m", "x").id, file.id);
}

TEST_F(FileStoreTest, SweepingLeavesWhatIsUsed) {
  StoredFile old = Put("old", "1"), needed = Put("needed", "2"), recent = Put("recent", "3");
  for (const StoredFile& file : {old, needed}) Age(file.path.parent_path() / "meta.json", 3600);
  store_->Sweep(std::chrono::seconds(1800), [&](const fs::path& path) { return path == needed.path; });
  EXPECT_FALSE(store_->Get("", old.id).ok());
  EXPECT_TRUE(store_->Get("", needed.id).ok());
  EXPECT_TRUE(store_->Get("", recent.id).ok());
  store_->Sweep(std::nullopt, [](const fs::path&) { return false; });
  EXPECT_TRUE(store_->Get("", needed.id).ok());
}

TEST_F(FileStoreTest, PartsExpireUnlessTheyAreBeingWritten) {
  ASSERT_FALSE(Send(Piece("left", 0, 1, 10), "0")->file);
  auto running = store_->Begin(Whole("running", 10)).value();
  ASSERT_TRUE(running->Take("0").ok());
  for (const auto& entry : fs::directory_iterator(options_.folder / "partial")) Age(entry.path(), 25 * 3600);
  store_->Sweep(std::nullopt, [](const fs::path&) { return false; });
  EXPECT_FALSE(store_->Part("", "left").ok());
  EXPECT_TRUE(store_->Part("", "running").ok());
}

}  // namespace
}  // namespace ns
