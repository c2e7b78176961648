#include "app/outside.h"

#include <cstdlib>

#include "base/file.h"

namespace ns {

Result<FetchInputsOptions> FetchOptionsOf(const ServeOptions& options, const Workspace& workspace) {
  FetchInputsOptions fetch;
  fetch.cache_folder = workspace.fetch_cache();
  std::error_code error;
  std::filesystem::create_directories(fetch.cache_folder, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", fetch.cache_folder.string()));
  fetch.cache_bytes = options.fetch_cache_bytes;
  auto environment = [](const char* name) -> const char* { return std::getenv(name); };
  fetch.hub.cache = HubCacheIfSet(environment);
  if (fetch.hub.cache.empty()) {  // ours alone: the home of a service may be nobody's
    fetch.hub.cache = workspace.hub_cache();
    fetch.hub_cache_bytes = options.fetch_cache_bytes;
  }
  fetch.hub.cache = std::filesystem::absolute(fetch.hub.cache);
  std::filesystem::create_directories(fetch.hub.cache, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", fetch.hub.cache.string()));
  fetch.fetch.max_bytes = options.max_upload_bytes;
  fetch.fetch.proxy = options.fetch_proxy;
  fetch.fetch.rules.allow_private = options.allow_private_addresses;
  auto blocks = ParseCidrBlocks(options.allow_addresses);
  if (!blocks.ok()) return blocks.status().WithContext("--allow_addresses");
  fetch.fetch.rules.allowed = std::move(*blocks);
  return fetch;
}

Result<std::unique_ptr<FileStore>> OpenFileStore(const ServeOptions& options, const Workspace& workspace, const Clock& clock) {
  FileStore::Options files;
  files.folder = workspace.uploads();
  files.max_bytes = options.max_upload_bytes;
  return FileStore::Open(files, clock);
}

Result<WebhookSender::Options> WebhookOptionsOf(const ServeOptions& options, const FetchInputsOptions& fetch, const std::string& base_url) {
  WebhookSender::Options webhooks;
  webhooks.poster.rules = fetch.fetch.rules;
  webhooks.poster.proxy = fetch.fetch.proxy;
  webhooks.base_url = base_url;
  if (options.webhook_secret.empty()) return webhooks;
  NS_ASSIGN_OR_RETURN(webhooks.secret, ReadFile(options.webhook_secret, 64 << 10));
  while (!webhooks.secret.empty() && (webhooks.secret.back() == '\n' || webhooks.secret.back() == '\r')) webhooks.secret.pop_back();
  if (webhooks.secret.empty()) {
    return InvalidArgument(fmt::format("--webhook_secret '{}' holds no key; put a line of random characters into it", options.webhook_secret), "NO_SECRET");
  }
  return webhooks;
}

}  // namespace ns
