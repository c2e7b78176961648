// What a request's model and data stand for: files below --upload_path, uploaded files, addresses, models of the Hugging Face hub.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fetch/address_rules.h"
#include "service/file_store.h"
#include "store/task_store.h"
#include "tasks/task_spec_codec.h"

namespace ns {

struct InputSources {
  std::filesystem::path upload_path;
  std::filesystem::path workspace;  // the service's own files, which no request may name even where they lie below upload_path; "": nowhere
  FileStore* files = nullptr;  // none: no uploads
  AddressRules rules;                // for literal addresses; names are judged when they are fetched
};

// What `text` names below the upload path. InvalidArgument (PATH_OUTSIDE_ROOT, PATH_OF_WORKSPACE) or NotFound, with a message for the submitter.
Result<std::filesystem::path> ResolveUploadPath(const InputSources& sources, const std::string& text);

// Fills the paths of `task`, or says in `errors` what is wrong with each. An address, and a name of the hub
// that is no path, leave their path empty: they are fetched when the task runs.
// Uploaded files are those of `owner`; none: anybody's.
void ResolveInputs(const TaskSpec& spec, const FileOwner& owner, const InputSources& sources, NewTask* task, std::vector<FieldError>* errors);

}  // namespace ns
