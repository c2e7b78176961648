#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "base/file.h"
#include "cli/commands.h"
#include "hub/hub_model.h"
#include "tasks/fetched_model.h"

namespace ns {

namespace {

// It is the user's own machine and network: any address, and the proxy that the environment names.
FetchOptions OptionsHere(const std::string& endpoint) {
  FetchOptions options;
  options.max_bytes = std::numeric_limits<uint64_t>::max() / 2;
  options.total_seconds = 24 * 3600;
  options.rules.allow_private = true;
  const char* lower = endpoint.starts_with("https:") ? "https_proxy" : "http_proxy";
  const char* upper = endpoint.starts_with("https:") ? "HTTPS_PROXY" : "HTTP_PROXY";
  for (const char* name : {lower, upper, "all_proxy", "ALL_PROXY"}) {
    const char* proxy = std::getenv(name);
    if (options.proxy.empty() && proxy != nullptr) options.proxy = proxy;
  }
  return options;
}

Result<FetchedModel> Fetch(const HubName& name) {
  HubSettings settings = HubSettingsFromEnvironment();
  FetchOptions options = OptionsHere(settings.endpoint);
  bool terminal = ::isatty(STDERR_FILENO) != 0;
  options.log = [](const std::string& line) { std::fprintf(stderr, "neural_solution: %s\n", line.c_str()); };
  if (terminal) {
    options.told = [&](uint64_t done, uint64_t total) {
      std::fprintf(stderr, "\r\033[Kfetching %s: %.1f of %.1f MB", name.text().c_str(), static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6);
    };
  }
  auto model = FetchHubModel(name, settings, options);
  if (terminal) std::fputs("\r\033[K", stderr);
  NS_RETURN_IF_ERROR(model.status());
  if (model->fetched_bytes > 0) {
    std::fprintf(stderr, "fetched %s (commit %s): %.1f MB\n", name.text().c_str(), model->commit.substr(0, 12).c_str(),
                 static_cast<double>(model->fetched_bytes) / 1e6);
  }
  return FetchedModel{model->folder, model->commit, model->fetched_bytes};
}

int Run(const std::string& text, bool json) {
  auto name = ParseHubName(text);
  auto fetched = name.ok() ? Fetch(*name) : Result<FetchedModel>(name.status());
  if (json) std::printf("%s\n", FetchedModelToJson(fetched).c_str());
  if (!fetched.ok()) return json ? 1 : Fail(fetched.status());
  if (!json) std::printf("%s\n", fetched->folder.c_str());
  return 0;
}

}  // namespace

void AddFetch(CommandLine& line) {
  struct Options {
    std::string model;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  Command command = line.Add("fetch", "Fetch a model of the Hugging Face hub into its cache; prints the folder", "Without a service");
  command.Option("model", &options->model, "owner/name, or owner/name@revision", /*required=*/true);
  command.Flag("--json", &options->json, "As JSON");
  command.Runs([options] { return Run(options->model, options->json); });
}

}  // namespace ns
