#include "hub/hub_answers.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "fetch/address.h"
#include "hub/hub_cache.h"

namespace ns {

namespace {

using nlohmann::json;

Status NotTheHubs(std::string message) { return FailedPrecondition(std::move(message), "HUB_ANSWER"); }

uint64_t Number(const std::string& text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

Result<HubListing> ParseHubListing(const std::string& text, const std::string& from) {
  json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  HubListing listing;
  bool good = root.is_object() && root.contains("sha") && root["sha"].is_string() && root.contains("siblings") && root["siblings"].is_array();
  if (good) listing.commit = root["sha"].get<std::string>();
  if (!good || !IsCommit(listing.commit)) {
    return NotTheHubs(fmt::format("{} did not answer as the Hugging Face hub does; HF_ENDPOINT names the hub", ShownAddress(from)));
  }
  for (const json& file : root["siblings"]) {
    bool named = file.is_object() && file.contains("rfilename") && file["rfilename"].is_string();
    if (named) listing.files.push_back(file["rfilename"].get<std::string>());
  }
  return listing;
}

Result<HubFile> ReadHubFile(const std::string& path, const WebAnswer& answer) {
  HubFile file{path, "", 0};
  std::string linked = answer.headers.Get("x-linked-etag");
  file.blob = BlobName(linked.empty() ? answer.headers.Get("etag") : linked);
  if (file.blob.empty()) return NotTheHubs(fmt::format("{} has no usable ETag", ShownAddress(answer.url)));
  file.size = Number(answer.headers.Get("x-linked-size"));
  if (file.size == 0 && answer.code == 200) file.size = Number(answer.headers.Get("content-length"));
  return file;
}

Status HubError(const HubName& name, const std::string& endpoint, const WebAnswer& answer, bool has_token) {
  std::string why = answer.headers.Get("x-error-code"), hub = ShownAddress(endpoint);
  auto denied = [](std::string message, const char* reason) { return Status(StatusCode::kPermissionDenied, std::move(message), reason); };
  if (why == "GatedRepo") {
    return denied(fmt::format("{} is gated: ask for access at {}/{}, and give the token of that account in HF_TOKEN", name.id, hub, name.id), "HUB_GATED");
  }
  if (why == "RevisionNotFound") {
    return NotFound(fmt::format("{} of {} has no branch, tag or commit \"{}\"", name.id, hub, name.revision), "HUB_REVISION_NOT_FOUND");
  }
  if (answer.code == 401) {
    // It does not say which of them: that a private model is there is nobody else's concern.
    const char* remedy = has_token ? "or the token of HF_TOKEN is not valid or may not read it" : "or it is private: then give a token in HF_TOKEN";
    return denied(fmt::format("{} has no model \"{}\", {} (HTTP 401)", hub, name.id, remedy), "HUB_UNAUTHORIZED");
  }
  if (answer.code == 403) {
    return denied(fmt::format("{} does not let {} be read{} (HTTP 403)", hub, name.id, has_token ? " with the token of HF_TOKEN" : "; give a token in HF_TOKEN"),
                  "HUB_FORBIDDEN");
  }
  if (answer.code == 404 || answer.code == 410) {
    return NotFound(fmt::format("{} has no model \"{}\" (HTTP {})", hub, name.text(), answer.code), "HUB_NOT_FOUND");
  }
  return NotTheHubs(fmt::format("{} answered with HTTP {}", ShownAddress(answer.url), answer.code));
}

}  // namespace ns
