#include "hub/hub_model.h"

#include <fcntl.h>

#include <algorithm>

#include "base/hash.h"
#include "fetch/http_question.h"
#include "fetch/place_file.h"
#include "hub/hub_answers.h"
#include "hub/hub_cache.h"
#include "hub/hub_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxListing = 64 << 20;

bool IsSha256(std::string_view text) { return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// "refs/pr/1" is one part of the address.
std::string Escaped(std::string_view revision) {
  std::string text;
  for (char c : revision) text += c == '/' ? "%2F" : std::string(1, c);
  return text;
}

class Fetcher {
 public:
  Fetcher(const HubName& name, const HubSettings& settings, const FetchOptions& options)
      : name_(name), settings_(settings), options_(options), cache_(settings.cache, name) {
    options_.bearer = settings.token;
  }

  Result<HubModel> Run();

 private:
  Result<HubListing> List();
  Result<HubModel> FromCache(const Status& why);
  // What is missing of the files, with the names of their blobs.
  Result<std::vector<HubFile>> Missing(const HubModel& model);
  Result<HubFile> Ask(const std::string& commit, const std::string& path);
  Status Bring(const HubModel& model, const HubFile& file, uint64_t before, uint64_t total);
  Status Check(const HubFile& file, const fs::path& fetched) const;
  std::string FileAddress(const std::string& commit, const std::string& path) const {
    return fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, name_.id, commit, path);
  }

  const HubName& name_;
  const HubSettings& settings_;
  FetchOptions options_;
  const HubCache cache_;
};

Result<HubListing> Fetcher::List() {
  std::string url = fmt::format("{}/api/models/{}/revision/{}", settings_.endpoint, name_.id, Escaped(name_.revision));
  FetchOptions options = options_;
  options.max_bytes = kMaxListing;
  NS_ASSIGN_OR_RETURN(WebAnswer answer, AskHttp(HttpMethod::kGet, url, options));
  if (answer.code != 200) return HubError(name_, settings_.endpoint, answer, !settings_.token.empty());
  return ParseHubListing(answer.body, url);
}

// `why` the hub is not asked, or did not answer.
Result<HubModel> Fetcher::FromCache(const Status& why) {
  auto missing = [&](std::string_view what) {
    return Status(why.code(), fmt::format("{}, and the cache '{}' {}", why.message(), settings_.cache.string(), what), why.reason());
  };
  auto commit = cache_.CommitOf(name_.revision);
  if (!commit) return missing(fmt::format("knows no \"{}\"", name_.text()));
  HubModel model;
  model.commit = *commit;
  model.folder = cache_.snapshot(*commit);
  auto files = NeededFiles(cache_.FilesOf(*commit));
  if (!files.ok()) return missing(fmt::format("has no whole \"{}\": {}", name_.text(), files.status().message()));
  model.files = std::move(*files);
  NS_ASSIGN_OR_RETURN(model.in_use, cache_.Use());
  return model;
}

Result<HubFile> Fetcher::Ask(const std::string& commit, const std::string& path) {
  NS_ASSIGN_OR_RETURN(WebAnswer answer, AskHttp(HttpMethod::kHead, FileAddress(commit, path), options_));
  if (answer.code >= 400) return HubError(name_, settings_.endpoint, answer, !settings_.token.empty()).WithContext(path);
  return ReadHubFile(path, answer);
}

Result<std::vector<HubFile>> Fetcher::Missing(const HubModel& model) {
  std::vector<HubFile> missing;
  std::error_code ignored;
  for (const std::string& path : model.files) {
    if (fs::exists(model.folder / path, ignored)) continue;
    NS_ASSIGN_OR_RETURN(HubFile file, Ask(model.commit, path));
    missing.push_back(std::move(file));
  }
  return missing;
}

Status Fetcher::Check(const HubFile& file, const fs::path& fetched) const {
  std::error_code error;
  uint64_t size = fs::file_size(fetched, error);
  bool good = !error && (file.size == 0 || size == file.size);
  if (good && IsSha256(file.blob)) {
    NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(fetched));
    good = digest == file.blob;
  }
  if (good) return OkStatus();
  fs::remove(fetched, error);
  return Unavailable(fmt::format("'{}' of {} is not what the hub says it is: {} bytes came", file.path, name_.text(), size), "FETCH_FAILED");
}

Status Fetcher::Bring(const HubModel& model, const HubFile& file, uint64_t before, uint64_t total) {
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, cache_.LockBlob(file.blob));
  fs::path blob = cache_.blob(file.blob), fetched = blob.string() + ".fetched";
  std::error_code error;
  if (!fs::exists(blob, error)) {  // another model, commit or process may have brought it
    FetchOptions options = options_;
    options.max_bytes = options_.max_bytes > before ? options_.max_bytes - before : 0;
    if (options_.told) options.told = [&](uint64_t done, uint64_t) { options_.told(before + done, std::max(total, before + done)); };
    NS_RETURN_IF_ERROR(Download(FileAddress(model.commit, file.path), {}, fetched, options).status());
    NS_RETURN_IF_ERROR(Check(file, fetched));
    FileDescriptor content(::open(fetched.c_str(), O_RDONLY | O_CLOEXEC));
    NS_RETURN_IF_ERROR(SyncFile(content.get(), fetched));
    fs::rename(fetched, blob, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", blob.string()));
  }
  return cache_.Link(model.commit, file.path, file.blob);
}

Result<HubModel> Fetcher::Run() {
  if (settings_.offline) return FromCache(FailedPrecondition("HF_HUB_OFFLINE is set", "HUB_OFFLINE"));
  auto listing = List();
  if (!listing.ok() && MayPass(listing.status())) {
    auto cached = FromCache(listing.status());
    if (cached.ok() && options_.log) {
      options_.log(fmt::format("{}; taking {} from the cache as it was last fetched ({})", listing.status().message(), name_.text(), cached->commit.substr(0, 12)));
    }
    return cached;
  }
  NS_RETURN_IF_ERROR(listing.status());
  HubModel model;
  model.commit = listing->commit;
  model.folder = cache_.snapshot(model.commit);
  auto files = NeededFiles(listing->files);
  if (!files.ok()) return files.status().WithContext(name_.text());
  model.files = std::move(*files);
  NS_ASSIGN_OR_RETURN(model.in_use, cache_.Use());
  NS_ASSIGN_OR_RETURN(std::vector<HubFile> missing, Missing(model));
  uint64_t total = 0;
  for (const HubFile& file : missing) total += file.size;
  if (total > options_.max_bytes) {
    return ResourceExhausted(fmt::format("{} has {} bytes, more than the {} allowed; the service's --max_upload_bytes sets the limit", name_.text(), total,
                                         options_.max_bytes), "FILE_TOO_LARGE");
  }
  for (const HubFile& file : missing) {
    NS_RETURN_IF_ERROR(Bring(model, file, model.fetched_bytes, total));
    std::error_code ignored;
    model.fetched_bytes += fs::file_size(model.folder / file.path, ignored);
  }
  NS_RETURN_IF_ERROR(cache_.SetCommit(name_.revision, model.commit));
  return model;
}

}  // namespace

Result<HubModel> FetchHubModel(const HubName& name, const HubSettings& settings, const FetchOptions& options) {
  return Fetcher(name, settings, options).Run();
}

Status PlaceHubModel(const HubModel& model, const fs::path& folder) {
  for (const std::string& file : model.files) {
    std::error_code error;
    fs::path blob = fs::canonical(model.folder / file, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot read '{}'", (model.folder / file).string()));
    NS_RETURN_IF_ERROR(PlaceFile(blob, folder / file));
  }
  return OkStatus();
}

}  // namespace ns
