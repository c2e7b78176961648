#include "service/zip_maker.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class ZipMakerTest : public testing::Test {
 protected:
  ZipMakerTest() {
    fs::create_directories(result_);
    EXPECT_TRUE(WriteFileAtomic(result_ / "report.json", "{}").ok());
  }
  std::future<Status> Make(const std::string& zip) {
    auto made = std::make_shared<std::promise<Status>>();
    maker_.Make(result_, folder_.path() / zip, [made](Status status) { made->set_value(std::move(status)); });
    return made->get_future();
  }

  TempDir folder_ = TempDir::Create("ns_zips_").value();
  fs::path result_ = folder_.path() / "result";
  ZipMaker maker_{1};
};

TEST_F(ZipMakerTest, NobodyWaitsWhoOnlyAsks) {
  // The only thread is busy with the first zip until `go`.
  std::promise<void> begun, go;
  maker_.Make(result_, folder_.path() / "busy.zip", [&](Status) {
    begun.set_value();
    go.get_future().wait();
  });
  begun.get_future().wait();
  auto first = Make("a.zip"), same = Make("a.zip"), other = Make("b.zip");
  EXPECT_EQ(first.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
  go.set_value();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(same.get().ok());
  EXPECT_TRUE(other.get().ok());
  EXPECT_TRUE(fs::exists(folder_.path() / "a.zip"));
  EXPECT_TRUE(fs::exists(folder_.path() / "b.zip"));
}

TEST_F(ZipMakerTest, AFailureIsToldAndTheNextTryIsMade) {
  fs::rename(result_, folder_.path() / "away");
  EXPECT_EQ(Make("a.zip").get().reason(), "NO_RESULT");
  fs::rename(folder_.path() / "away", result_);
  EXPECT_TRUE(Make("a.zip").get().ok());
}

TEST_F(ZipMakerTest, WhatWaitsIsRefusedWhenItStops) {
  std::promise<void> begun, go;
  maker_.Make(result_, folder_.path() / "busy.zip", [&](Status) {
    begun.set_value();
    go.get_future().wait();
  });
  begun.get_future().wait();
  auto waits = Make("a.zip");
  std::thread stop([&] { maker_.Stop(); });
  EXPECT_EQ(waits.get().reason(), "DRAINING");
  EXPECT_EQ(Make("b.zip").get().reason(), "DRAINING");
  go.set_value();
  stop.join();
}

// 64 GiB that take no space: packing them takes a minute.
TEST_F(ZipMakerTest, StoppingGivesUpWhatIsBeingMade) {
  ASSERT_TRUE(WriteFileAtomic(result_ / "model.onnx", "").ok());
  fs::resize_file(result_ / "model.onnx", uint64_t{1} << 36);
  auto big = Make("a.zip");
  while (!fs::exists(folder_.path() / "a.zip.partial")) std::this_thread::yield();
  maker_.Stop();
  ASSERT_EQ(big.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(big.get().reason(), "DRAINING");
  EXPECT_FALSE(fs::exists(folder_.path() / "a.zip.partial"));
}

}  // namespace
}  // namespace ns
