#include "service/resolve_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ResolveInputsTest : public testing::Test {
 protected:
  ResolveInputsTest() {
    fs::create_directories(folder_.path() / "examples/bert");
    for (const char* name : {"model.onnx", "rows.npz", "bert/config.json", "data.zip"}) {
      EXPECT_TRUE(WriteFileAtomic(folder_.path() / "examples" / name, "x").ok());
    }
    FileStore::Options options;
    options.folder = folder_.path() / "uploads";
    files_ = FileStore::Open(options, clock_).value();
    sources_ = {folder_.path() / "examples", {}, files_.get(), {}};
  }
  StoredFile Upload(const std::string& name) {
    UploadRequest request;
    request.name = name;
    auto upload = files_->Begin(request).value();
    EXPECT_TRUE(upload->Take(name).ok());
    return *upload->Finish()->file;
  }
  NewTask Resolve(const std::string& model, const std::string& data = "rows.npz") {
    TaskSpec spec;
    spec.model = model;
    spec.dataset.emplace();
    spec.dataset->path = data;
    NewTask task;
    errors_.clear();
    ResolveInputs(spec, "", sources_, &task, &errors_);
    return task;
  }
  std::string Error() { return errors_.empty() ? "" : errors_[0].msg; }

  TempDir folder_ = TempDir::Create("resolve").value();
  SystemClock clock_;
  std::unique_ptr<FileStore> files_;
  InputSources sources_;
  std::vector<FieldError> errors_;
};

TEST_F(ResolveInputsTest, ARequirementsAddressIsUnderTheRulesOfAllAddresses) {
  TaskSpec spec;
  spec.script_url = "https://example.org/x.zip";
  spec.requirements = {"torch>=2", "x @ https://example.org/x.whl", "y @ https://10.0.0.5/y.whl ; os_name == 'posix'"};
  NewTask task;
  ResolveInputs(spec, "", sources_, &task, &errors_);
  ASSERT_EQ(errors_.size(), 1u);
  EXPECT_THAT(errors_[0].loc, testing::ElementsAre("body", "requirements", "2"));
  EXPECT_THAT(Error(), HasSubstr("10.0.0.5"));
}

TEST_F(ResolveInputsTest, PathsLieBelowTheUploadPath) {
  EXPECT_EQ(Resolve("model.onnx").model_path.filename(), "model.onnx");
  EXPECT_EQ(Resolve("bert").model_path.filename(), "bert");
  EXPECT_EQ(Error(), "");
  Resolve("../x");
  EXPECT_THAT(Error(), HasSubstr("below the service's --upload_path"));
  Resolve("rows.npz");
  EXPECT_THAT(Error(), HasSubstr("must be a .onnx file"));
}

TEST_F(ResolveInputsTest, FilesOfTheServiceAreNobodysInputs) {
  fs::create_directories(folder_.path() / "examples/ns_workspace/task_workspace");
  ASSERT_TRUE(WriteFileAtomic(folder_.path() / "examples/ns_workspace/task_workspace/model.onnx", "x").ok());
  fs::create_directory_symlink(folder_.path() / "examples/ns_workspace", folder_.path() / "examples/link");
  ASSERT_TRUE(WriteFileAtomic(folder_.path() / "examples/config.json", "{}").ok());
  Resolve("ns_workspace/task_workspace/model.onnx");
  EXPECT_EQ(Error(), "");
  sources_.workspace = folder_.path() / "examples/ns_workspace";
  Resolve("ns_workspace/task_workspace/model.onnx");
  EXPECT_THAT(Error(), HasSubstr("belongs to the service itself"));
  Resolve("link/task_workspace/model.onnx");
  EXPECT_THAT(Error(), HasSubstr("belongs to the service itself"));
  Resolve(".");
  EXPECT_THAT(Error(), HasSubstr("holds the service's workspace"));
  Resolve("model.onnx");
  EXPECT_EQ(Error(), "");
}

TEST_F(ResolveInputsTest, UploadsAreNamedByIdOrDigest) {
  StoredFile model = Upload("m.onnx"), data = Upload("d.csv");
  NewTask task = Resolve("upload:" + model.id, "upload:" + data.sha256);
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(task.model_path, model.path);
  EXPECT_EQ(task.dataset_path, data.path);
  Resolve("upload:" + data.id);
  EXPECT_THAT(Error(), HasSubstr("must be a .onnx file"));
  EXPECT_EQ(Resolve("upload:" + Upload("bert.tar.gz").id).model_path.filename(), "bert.tar.gz");
}

TEST_F(ResolveInputsTest, AnUnknownUploadIsExplained) {
  StoredFile model = Upload("m.onnx");
  Resolve("upload:m.onnx");
  EXPECT_THAT(Error(), HasSubstr("upload:" + model.id));
  Resolve("upload:other.onnx");
  EXPECT_THAT(Error(), HasSubstr("upload it with PUT /files/"));
  UploadRequest part;
  part.name = "part.onnx";
  part.end = 1;
  part.total = 2;
  auto upload = files_->Begin(part).value();
  ASSERT_TRUE(upload->Take("x").ok());
  ASSERT_TRUE(upload->Finish().ok());
  Resolve("upload:part.onnx");
  EXPECT_THAT(Error(), HasSubstr("only 1 bytes"));
}

TEST_F(ResolveInputsTest, AddressesAreLeftForTheFetch) {
  NewTask task = Resolve("https://example.org/m.onnx", "http://example.org/d.csv");
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(task.model_path, "");
  Resolve("ftp://example.org/m.onnx");
  EXPECT_THAT(Error(), HasSubstr("not served by http or https"));
  Resolve("http://10.0.0.1/m.onnx");
  EXPECT_THAT(Error(), HasSubstr("not a public address"));
  EXPECT_EQ(errors_[0].loc, (std::vector<std::string>{"body", "model"}));
}

TEST_F(ResolveInputsTest, ANameThatIsNoPathIsAModelOfTheHub) {
  NewTask task = Resolve("google-bert/bert-base-uncased@v1");
  EXPECT_EQ(Error(), "");
  EXPECT_EQ(task.model_path, "");
  EXPECT_EQ(Resolve("bert").model_path.filename(), "bert");  // a path wins
  Resolve("folder/other.onnx");
  EXPECT_THAT(Error(), HasSubstr("there is no \"folder/other.onnx\" below"));
  Resolve("brt");
  EXPECT_THAT(Error(), HasSubstr("there is no \"brt\" below"));
}

}  // namespace
}  // namespace ns
