// Totals, and the rows of tasks that have ended and may go: the SQL of retention. Private to store/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store/sqlite.h"
#include "store/task_store.h"

namespace ns {

Result<StoreTotals> ReadTotals(Database& database);
// The longest ended first; those whose webhook still has to be told are left out.
Result<std::vector<EndedTask>> ReadLongestEnded(Database& database, int limit);
// Ended tasks whose files were not measured yet.
Result<std::vector<std::string>> ReadUnmeasured(Database& database, int limit);
Status WriteBytes(Database& database, const std::vector<std::pair<std::string, uint64_t>>& sizes);
// Those that have not ended, or are gone, are left out. Attempts and events go with them; their ids become leftovers. How many went.
Result<int64_t> RemoveEnded(Database& database, const std::vector<std::string>& ids);
Result<std::vector<std::string>> ReadLeftovers(Database& database, int limit);
Status ForgetLeftovers(Database& database, const std::vector<std::string>& ids);

// A write that changes nothing a user sees.
Status WriteProbe(Database& database, int64_t now_micros);
// DataLoss (STORE_DAMAGED) with the first thing that is wrong. Reads all of the store.
Status QuickCheck(Database& database);

}  // namespace ns
