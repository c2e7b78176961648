#include <cstdio>

#include "cli/commands.h"
#include "client/uploader.h"

namespace ns {

namespace {

struct UploadCommandOptions {
  ServiceTarget target;
  std::string path;
};

int RunUpload(const UploadCommandOptions& options) {
  UploadOptions upload;
  upload.log = [](const std::string& line) { std::fprintf(stderr, "neural_solution: %s\n", line.c_str()); };
  auto file = UploadPath(Connect(options.target), options.path, upload);
  if (!file.ok()) return Fail(file.status());
  std::printf("%s\n", options.target.json ? StoredFileJson(*file).c_str() : ("upload:" + file->id).c_str());
  return 0;
}

}  // namespace

void AddUpload(CommandLine& line) {
  auto o = std::make_shared<UploadCommandOptions>();
  Command command = line.Add("upload", "Send a file or a folder to the service; prints what stands for it in a task", "Tasks");
  command.Option("path", &o->path, "File, or folder (sent as a tar)", true);
  AddTarget(command, &o->target);
  command.Runs([o] { return RunUpload(*o); });
}

}  // namespace ns
