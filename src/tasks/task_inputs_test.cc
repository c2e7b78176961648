#include "tasks/task_inputs.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

TEST(ArchiveNameTest, ByItsEnd) {
  for (const char* name : {"a.zip", "A.ZIP", "a.tar", "a.tar.gz", "a.tgz", "a.tar.xz", "a.txz", "a.tar.zst"}) EXPECT_TRUE(IsArchiveName(name)) << name;
  for (const char* name : {"a.npz", "a.gz", "zip", "a.zip.onnx", "a.tar.bz2", ""}) EXPECT_FALSE(IsArchiveName(name)) << name;
}

TEST(NeedsFetchingTest, AddressesAndArchives) {
  TaskFile task;
  task.spec.model = "model.onnx";
  task.model_path = "/uploads/model.onnx";
  task.spec.dataset.emplace();
  task.spec.dataset->path = "rows.npz";
  task.dataset_path = "/uploads/rows.npz";
  EXPECT_FALSE(NeedsFetching(task));
  task.spec.dataset->path = "https://example.org/rows.npz";
  EXPECT_TRUE(NeedsFetching(task));
  task.spec.dataset->path = "rows.npz";
  task.model_path = "/files/0123/bert.tar.gz";
  EXPECT_TRUE(NeedsFetching(task));
}

TEST(InputPathsTest, ReplaceThoseOfTheTask) {
  TempDir folder = TempDir::Create("inputs").value();
  TaskFile task;
  task.spec.model = "https://example.org/model.onnx";
  task.spec.dataset.emplace();
  task.spec.dataset->path = "rows.npz";
  task.task_id = "1";
  task.dataset_path = "/uploads/rows.npz";
  ASSERT_TRUE(WriteFileAtomic(folder.path() / kTaskFileName, TaskFileToJson(task)).ok());
  EXPECT_EQ(ReadTaskFile(folder.path())->model_path, "");
  std::filesystem::create_directory(folder.path() / kInputsFolderName);
  InputPaths paths;
  paths.model_path = "/inputs/model/model.onnx";
  ASSERT_TRUE(WriteFileAtomic(folder.path() / kInputsFolderName / "inputs.json", InputPathsToJson(paths)).ok());
  EXPECT_EQ(ReadTaskFile(folder.path())->model_path, "/inputs/model/model.onnx");
  EXPECT_EQ(ReadTaskFile(folder.path())->dataset_path, "/uploads/rows.npz");
  EXPECT_EQ(ParseInputPaths("[]").status().reason(), "BAD_TASK_FILE");
}

}  // namespace
}  // namespace ns
