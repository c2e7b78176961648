#include "service/fetch_inputs.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class FetchInputsTest : public testing::Test {
 protected:
  FetchInputsTest() {
    options_.task_folder = folder_.path() / "task";
    options_.cache_folder = folder_.path() / "cache";
    fs::create_directories(options_.task_folder);
    task_.task_id = "1";
    task_.output_folder = options_.task_folder / "result";
    task_.events_file = options_.task_folder / kEventsFileName;
    task_.spec.model = "upload:1";
    task_.spec.dataset.emplace();
    task_.spec.dataset->path = "rows.npz";
    task_.dataset_path = "/rows.npz";
  }
  fs::path Pack(const std::string& name, const std::vector<std::string>& files) {
    fs::path path = folder_.path() / name;
    std::unique_ptr<archive, int (*)(archive*)> out(archive_write_new(), archive_write_free);
    archive_write_set_format_zip(out.get());
    EXPECT_EQ(archive_write_open_filename(out.get(), path.c_str()), ARCHIVE_OK);
    for (const std::string& file : files) {
      std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
      archive_entry_set_pathname(entry.get(), file.c_str());
      archive_entry_set_filetype(entry.get(), AE_IFREG);
      archive_entry_set_size(entry.get(), 1);
      archive_write_header(out.get(), entry.get());
      archive_write_data(out.get(), "x", 1);
    }
    archive_write_close(out.get());
    return path;
  }
  Status Run() {
    EXPECT_TRUE(WriteFileAtomic(options_.task_folder / kTaskFileName, TaskFileToJson(task_)).ok());
    auto events = EventLog::Open(task_.events_file, clock_).value();
    return FetchInputs(options_, *events);
  }
  fs::path Model() { return ReadTaskFile(options_.task_folder)->model_path.lexically_relative(options_.task_folder); }
  fs::path Data() { return ReadTaskFile(options_.task_folder)->dataset_path.lexically_relative(options_.task_folder); }

  TempDir folder_ = TempDir::Create("inputs").value();
  SystemClock clock_;
  FetchInputsOptions options_;
  TaskFile task_;
};

TEST_F(FetchInputsTest, AModelIsFoundInItsArchive) {
  task_.model_path = Pack("m.zip", {"bert/config.json", "bert/model.safetensors", "__MACOSX/bert/._config.json"});
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Model(), "inputs/model/bert");
  task_.model_path = Pack("m.zip", {"deep/er/model.onnx", "deep/er/model.onnx.data"});
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Model(), "inputs/model/deep/er/model.onnx");
  EXPECT_EQ(ReadTaskFile(options_.task_folder)->dataset_path, "/rows.npz");
}

TEST_F(FetchInputsTest, AnArchiveWithoutOneModelIsRefused) {
  for (const std::vector<std::string>& files : {std::vector<std::string>{"a.onnx", "b.onnx"}, {"readme.txt"}}) {
    task_.model_path = Pack("m.zip", files);
    EXPECT_EQ(Run().reason(), "BAD_MODEL_ARCHIVE");
  }
}

TEST_F(FetchInputsTest, DataIsAFileOrAFolder) {
  task_.model_path = "/m.onnx";
  task_.dataset_path = Pack("d.zip", {"data/rows.csv"});
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Data(), "inputs/dataset/data/rows.csv");
  task_.dataset_path = Pack("d.zip", {"cats/1.png", "dogs/2.png"});
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Data(), "inputs/dataset");
  EXPECT_EQ(ReadTaskFile(options_.task_folder)->model_path, "/m.onnx");
}

TEST_F(FetchInputsTest, ItsCommandLineSaysItsOptions) {
  options_.fetch.max_bytes = 5;
  options_.fetch.rules.allowed = ParseCidrBlocks("127.0.0.0/8").value();
  std::vector<std::string> command = FetchInputsCommand("/bin/neural_solution", options_);
  EXPECT_EQ(command[1], "fetch-inputs");
  EXPECT_THAT(command, testing::IsSupersetOf({"--max-bytes", "5", "--allow", "::ffff:127.0.0.0/104"}));
  options_.fetch.rules.allow_private = true;
  EXPECT_THAT(FetchInputsCommand("/bin/neural_solution", options_), testing::Contains("private"));
}

}  // namespace
}  // namespace ns
