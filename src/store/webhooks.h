// The SQL of webhook deliveries. Private to store/. A row comes with the end of a task that has a webhook, in the same transaction (a trigger
// of the schema), so that no end is without one.
#pragma once

#include <string>
#include <vector>

#include "store/sqlite.h"
#include "store/task_store.h"

namespace ns {

Result<std::vector<DueWebhook>> SelectDueWebhooks(Database& database, WallTime now, int limit);
// When the next waiting one is due; none: none waits.
Result<std::optional<WallTime>> SelectNextWebhook(Database& database);
Result<std::optional<WebhookStatus>> SelectWebhook(Database& database, const std::string& task_id);
Status UpdateWebhook(Database& database, const std::string& task_id, const WebhookStatus& status);

}  // namespace ns
