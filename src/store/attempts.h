// Attempts and the slots of their assistants. Private to store/: TaskStore calls it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "store/sqlite.h"
#include "store/task_record.h"

namespace ns {

Result<std::vector<OpenWorker>> ReadOpenWorkers(Database& database);
Result<std::vector<AttemptRecord>> ReadAttempts(Database& database, int64_t task);
Status InsertAssistant(Database& database, const WorkerId& assistant, int slot);
Status DeleteAssistant(Database& database, const WorkerId& assistant);

}  // namespace ns
