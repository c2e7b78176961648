// What workers, and the files of a task's folder, tell the service.
#include "fuzz_file.h"
#include "tasks/answers.h"
#include "tasks/process_files.h"
#include "tasks/task_event.h"
#include "tasks/task_file.h"
#include "tasks/task_inputs.h"
#include "tasks/uploads.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = ns::FuzzText(data, size);
  auto event = ns::ParseTaskEvent(text);
  if (event.ok()) NS_CHECK(ns::ParseTaskEvent(ns::TaskEventToJson(*event)).ok());
  (void)ns::ParseTaskFile(text).status();
  (void)ns::ParseInputPaths(text).status();
  (void)ns::ParseExitRecord(text).status();
  (void)ns::ParseWorkerPids(text).status();
  (void)ns::ParseStoredFile(text).status();
  (void)ns::ParsePartialRecord(text).status();
  auto status = ns::ParseStatusAnswer(text);
  if (status.ok()) (void)ns::StatusAnswerJson(*status);
  (void)ns::ErrorText(text);
  return 0;
}
