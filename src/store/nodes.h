// The table of nodes. Private to store/: TaskStore calls it.
#pragma once

#include <vector>

#include "base/status.h"
#include "store/sqlite.h"
#include "store/task_store.h"

namespace ns {

Result<std::vector<StoredNode>> ReadNodes(Database& database);
// Rows that are not in `nodes` go, others get their spec; a node without an id is new and gets one that was never used.
Status ReplaceNodes(Database& database, std::vector<StoredNode>* nodes);

}  // namespace ns
