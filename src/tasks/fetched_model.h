// What `neural_solution fetch NAME --json` says on standard output: {"folder": "/abs", "commit": "...", "fetched_bytes": 1} or
// {"reason": "HUB_NOT_FOUND", "message": "..."}.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

struct FetchedModel {
  std::filesystem::path folder;
  std::string commit;
  uint64_t fetched_bytes = 0;  // 0: all was there
};

std::string FetchedModelToJson(const Result<FetchedModel>& fetched);
// The failure that was told, as InvalidArgument whatever its code was; Internal (NO_ANSWER) for other text.
Result<FetchedModel> ParseFetchedModel(std::string_view json);

}  // namespace ns
