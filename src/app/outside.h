// What the service does with files and addresses from outside, by its options: uploads, fetches, webhooks.
#pragma once

#include <memory>
#include <string>

#include "cli/serve_options.h"
#include "service/fetch_inputs.h"
#include "service/file_store.h"
#include "service/webhook_sender.h"
#include "service/workspace.h"

namespace ns {

// InvalidArgument (BAD_ADDRESS_BLOCK).
Result<FetchInputsOptions> FetchOptionsOf(const ServeOptions& options, const Workspace& workspace);

Result<std::unique_ptr<FileStore>> OpenFileStore(const ServeOptions& options, const Workspace& workspace, const Clock& clock);

// Errors of reading the secret's file; InvalidArgument (NO_SECRET) when it is empty.
Result<WebhookSender::Options> WebhookOptionsOf(const ServeOptions& options, const FetchInputsOptions& fetch, const std::string& base_url);

}  // namespace ns
