// What a request's model and data stand for: files below --upload_path, uploaded files, addresses.
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
  FileStore* files = nullptr;  // none: no uploads
  AddressRules rules;                // for literal addresses; names are judged when they are fetched
};

// Fills the paths of `task`, or says in `errors` what is wrong with each. An address leaves its path empty: it is fetched when the task runs.
// Uploaded files are those of `owner`; none: anybody's.
void ResolveInputs(const TaskSpec& spec, const FileOwner& owner, const InputSources& sources, NewTask* task, std::vector<FieldError>* errors);

}  // namespace ns
