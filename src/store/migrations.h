// The store's schema, version by version. Private to store/.
#pragma once

#include "base/status.h"
#include "store/sqlite.h"

namespace ns {

// Brings the store to the newest version, one transaction a step. FailedPrecondition (STORE_TOO_NEW) when it was written by a newer program.
Status Migrate(Database& database);

// The version Migrate() leads to.
int NewestSchemaVersion();

}  // namespace ns
