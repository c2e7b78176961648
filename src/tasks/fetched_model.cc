#include "tasks/fetched_model.h"

#include "tasks/json_fields.h"

namespace ns {

std::string FetchedModelToJson(const Result<FetchedModel>& fetched) {
  if (!fetched.ok()) return Dump({{"reason", fetched.status().reason()}, {"message", fetched.status().message()}});
  return Dump({{"folder", fetched->folder.string()}, {"commit", fetched->commit}, {"fetched_bytes", fetched->fetched_bytes}});
}

Result<FetchedModel> ParseFetchedModel(std::string_view text) {
  auto json = ParseJson(text);
  std::string folder, message, reason;
  if (!json || !json->is_object()) return Internal("no answer came from the command that fetches models", "NO_ANSWER");
  if (Get(*json, "message", &message)) {
    Get(*json, "reason", &reason);
    return InvalidArgument(std::move(message), std::move(reason));
  }
  FetchedModel fetched;
  if (!Get(*json, "folder", &folder)) return Internal("no answer came from the command that fetches models", "NO_ANSWER");
  fetched.folder = folder;
  Get(*json, "commit", &fetched.commit);
  Get(*json, "fetched_bytes", &fetched.fetched_bytes);
  return fetched;
}

}  // namespace ns
