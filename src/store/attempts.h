// Attempts and the slots of their assistants. Private to store/: TaskStore calls it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "store/sqlite.h"
#include "store/task_record.h"

namespace ns {

Result<std::vector<OpenAttempt>> ReadOpenAttempts(Database& database);
Result<std::vector<AttemptRecord>> ReadAttempts(Database& database, int64_t task);
Status InsertAssistant(Database& database, const std::string& id, int attempt, int worker, int slot);
Status DeleteAssistant(Database& database, const std::string& id, int attempt, int worker);

}  // namespace ns
