#include "hub/hub_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/file.h"
#include "base/hash.h"
#include "hub/hub_cache.h"
#include "hub/testing/hub_server.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class HubModelTest : public testing::Test {
 protected:
  HubModelTest() {
    hub_.files["config.json"] = {"{}"};
    hub_.files["README.md"] = {"text"};
    hub_.files["onnx/model.onnx"] = {"weights", true};
    hub_.files["model.safetensors"] = {"the same weights", true};
    settings_.endpoint = hub_.endpoint();
    settings_.cache = folder_.path() / "hub";
    options_.rules.allowed = ParseCidrBlocks("127.0.0.1").value();
    options_.first_wait_seconds = 0.01;
    options_.tries = 3;
    options_.log = [this](const std::string& line) { log_ += line + "\n"; };
  }
  Result<HubModel> Fetch(const std::string& name = "owner/name") { return FetchHubModel(ParseHubName(name).value(), settings_, options_); }
  Status Failure(const std::string& name = "owner/name") { return Fetch(name).status(); }
  fs::path Repository() { return settings_.cache / "models--owner--name"; }
  std::vector<std::string> Asked(size_t from = 0) {
    std::vector<std::string> lines;
    for (const TestRequest& request : hub_.asked()) lines.push_back(request.method + " " + request.path);
    lines.erase(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(from));
    return lines;
  }

  TempDir folder_ = TempDir::Create("hub").value();
  TestHub hub_;
  HubSettings settings_;
  FetchOptions options_;
  std::string log_;
};

TEST_F(HubModelTest, BringsWhatTheModelNeedsInTheLayoutOfTheHubsOwnClient) {
  HubModel model = Fetch().value();
  EXPECT_EQ(model.commit, std::string(40, 'a'));
  EXPECT_EQ(model.folder, Repository() / "snapshots" / model.commit);
  EXPECT_THAT(model.files, ElementsAre("config.json", "onnx/model.onnx"));
  EXPECT_EQ(model.fetched_bytes, 9u);
  EXPECT_EQ(ReadFile(model.folder / "onnx/model.onnx").value(), "weights");
  EXPECT_EQ(fs::read_symlink(model.folder / "onnx/model.onnx"), "../../../blobs/" + Sha256Hex("weights"));
  EXPECT_EQ(fs::read_symlink(model.folder / "config.json"), "../../blobs/" + Sha256Hex("{}").substr(0, 40));
  EXPECT_EQ(ReadFile(Repository() / "refs/main").value(), model.commit);
  EXPECT_TRUE(fs::exists(settings_.cache / ".locks/models--owner--name" / (Sha256Hex("weights") + ".lock")));
  EXPECT_FALSE(fs::exists(model.folder / "README.md"));
  EXPECT_EQ(std::distance(fs::directory_iterator(Repository() / "blobs"), {}), 2);
}

TEST_F(HubModelTest, TheNextTimeOnlyTheRevisionIsAskedFor) {
  ASSERT_TRUE(Fetch().ok());
  size_t before = Asked().size();
  EXPECT_EQ(Fetch()->fetched_bytes, 0u);
  EXPECT_THAT(Asked(before), ElementsAre("GET /api/models/owner/name/revision/main"));
}

TEST_F(HubModelTest, ANewCommitBringsOnlyWhatHasChanged) {
  ASSERT_TRUE(Fetch().ok());
  size_t before = hub_.stored().size();
  hub_.commit = std::string(40, 'b');
  hub_.files["config.json"] = {"{ }"};
  HubModel model = Fetch().value();
  EXPECT_EQ(ReadFile(model.folder / "config.json").value(), "{ }");
  EXPECT_EQ(ReadFile(model.folder / "onnx/model.onnx").value(), "weights");
  EXPECT_EQ(hub_.stored().size(), before);
  EXPECT_EQ(ReadFile(Repository() / "snapshots" / std::string(40, 'a') / "config.json").value(), "{}");
  EXPECT_EQ(ReadFile(Repository() / "refs/main").value(), std::string(40, 'b'));
}

TEST_F(HubModelTest, ARevisionIsABranchOrACommit) {
  hub_.branch = "refs%2Fpr%2F1";
  HubModel model = Fetch("owner/name@refs/pr/1").value();
  EXPECT_EQ(ReadFile(Repository() / "refs/refs/pr/1").value(), model.commit);
  EXPECT_EQ(Fetch("owner/name@" + model.commit)->folder, model.folder);
  EXPECT_FALSE(fs::exists(Repository() / "refs" / model.commit));
}

TEST_F(HubModelTest, TheTokenGoesToTheHubAndNowhereElse) {
  hub_.token = settings_.token = "hf_secret";
  ASSERT_TRUE(Fetch().ok());
  for (const TestRequest& request : hub_.asked()) EXPECT_EQ(request.headers.at("authorization"), "Bearer hf_secret") << request.path;
  ASSERT_EQ(hub_.stored().size(), 1u);
  EXPECT_FALSE(hub_.stored()[0].headers.contains("authorization"));
}

TEST_F(HubModelTest, ABrokenTransferGoesOnInALaterCall) {
  std::string content(300'000, 'w');
  hub_.files["onnx/model.onnx"] = {content, true};
  bool whole = false;
  hub_.fault = [&](const TestRequest& request, int socket) {
    if (whole || request.path != "/onnx/model.onnx") return false;
    SendText(socket, fmt::format("HTTP/1.1 200 OK\r\nETag: \"storage-{}\"\r\nContent-Length: 300000\r\n\r\n{}", Sha256Hex(content).substr(0, 8), content.substr(0, 100'000)));
    return true;
  };
  options_.tries = 1;
  EXPECT_TRUE(MayPass(Failure()));
  EXPECT_FALSE(fs::exists(Repository() / "refs/main"));
  whole = true;
  HubModel model = Fetch().value();
  EXPECT_EQ(hub_.stored().back().headers.at("range"), "bytes=100000-");
  EXPECT_EQ(ReadFile(model.folder / "onnx/model.onnx").value(), content);
}

TEST_F(HubModelTest, ContentThatIsNotWhatItsDigestSaysIsNotTaken) {
  hub_.fault = [&](const TestRequest& request, int socket) {
    if (request.path != "/onnx/model.onnx") return false;
    SendAnswer(socket, "200 OK", "ETag: \"x\"\r\n", "weIghts");
    return true;
  };
  Status status = Failure();
  EXPECT_EQ(status.reason(), "FETCH_FAILED");
  EXPECT_THAT(status.message(), HasSubstr("is not what the hub says it is"));
  EXPECT_FALSE(fs::exists(Repository() / "blobs" / Sha256Hex("weights")));
}

TEST_F(HubModelTest, OldNamesLeadToTheNewOnes) {
  hub_.old_names["first-model"] = "owner/name";
  HubModel model = Fetch("first-model").value();
  EXPECT_EQ(model.folder, settings_.cache / "models--first-model/snapshots" / model.commit);
  EXPECT_EQ(ReadFile(model.folder / "onnx/model.onnx").value(), "weights");
}

TEST_F(HubModelTest, WhatTheHubDoesNotGiveIsExplained) {
  Status missing = Failure("owner/other");
  EXPECT_EQ(missing.reason(), "HUB_NOT_FOUND");
  EXPECT_THAT(missing.message(), HasSubstr("has no model \"owner/other\""));
  Status revision = Failure("owner/name@v9");
  EXPECT_EQ(revision.reason(), "HUB_REVISION_NOT_FOUND");
  EXPECT_THAT(revision.message(), HasSubstr("no branch, tag or commit \"v9\""));
  hub_.token = "hf_x";
  Status secret = Failure();
  EXPECT_EQ(secret.reason(), "HUB_UNAUTHORIZED");
  EXPECT_THAT(secret.message(), HasSubstr("give a token in HF_TOKEN"));
  settings_.token = "hf_wrong";
  EXPECT_THAT(Failure().message(), HasSubstr("the token of HF_TOKEN is not valid"));
  hub_.fault = [](const TestRequest& request, int socket) {
    if (request.method != "HEAD") return false;
    SendText(socket, "HTTP/1.1 403 Forbidden\r\nX-Error-Code: GatedRepo\r\nContent-Length: 0\r\n\r\n");
    return true;
  };
  settings_.token = "hf_x";
  Status gated = Failure();
  EXPECT_EQ(gated.reason(), "HUB_GATED");
  EXPECT_THAT(gated.message(), HasSubstr("ask for access at " + hub_.endpoint() + "/owner/name"));
  hub_.fault = [](const TestRequest&, int socket) { return SendAnswer(socket, "200 OK", "", "<html>"), true; };
  EXPECT_EQ(Failure().reason(), "HUB_ANSWER");
}

TEST_F(HubModelTest, ARateLimitIsWaitedOut) {
  std::atomic<int> asked{0};
  int limited = 2;
  hub_.fault = [&](const TestRequest&, int socket) {
    if (++asked > limited) return false;
    return SendAnswer(socket, "429 Too Many Requests", "Retry-After: 1\r\n", ""), true;
  };
  auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(Fetch().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_THAT(log_, HasSubstr("too many requests; trying again in 1.0 s"));
  fs::remove_all(settings_.cache);
  asked = 0, limited = 1000, options_.tries = 1;
  EXPECT_EQ(Failure().reason(), "RATE_LIMITED");
}

TEST_F(HubModelTest, OfflineTheCacheIsTakenAndNothingAsked) {
  settings_.offline = true;
  Status nothing = Failure();
  EXPECT_EQ(nothing.reason(), "HUB_OFFLINE");
  EXPECT_THAT(nothing.message(), HasSubstr("HF_HUB_OFFLINE is set"));
  settings_.offline = false;
  HubModel model = Fetch().value();
  settings_.offline = true;
  size_t before = Asked().size();
  EXPECT_EQ(Fetch()->folder, model.folder);
  EXPECT_EQ(Fetch("owner/name@" + model.commit)->folder, model.folder);
  EXPECT_EQ(Asked().size(), before);
  fs::remove(Repository() / "blobs" / Sha256Hex("weights"));
  EXPECT_THAT(Failure().message(), HasSubstr("it holds no weights"));
}

TEST_F(HubModelTest, AHubThatDoesNotAnswerLeavesTheCachesCopy) {
  HubModel model = Fetch().value();
  hub_.fault = [](const TestRequest&, int socket) { return SendAnswer(socket, "503 Service Unavailable", "Retry-After: 0\r\n", ""), true; };
  EXPECT_EQ(Fetch()->folder, model.folder);
  EXPECT_THAT(log_, HasSubstr("taking owner/name from the cache"));
  EXPECT_EQ(Failure("owner/other").reason(), "FETCH_FAILED");
}

TEST_F(HubModelTest, TheLimitIsOfAllFilesTogether) {
  options_.max_bytes = 8;
  EXPECT_EQ(Failure().reason(), "FILE_TOO_LARGE");
  EXPECT_TRUE(hub_.stored().empty());
  options_.max_bytes = 9;
  EXPECT_TRUE(Fetch().ok());
}

TEST_F(HubModelTest, TheAddressRulesHold) {
  options_.rules = {};
  EXPECT_EQ(Failure().reason(), "PRIVATE_ADDRESS");
  EXPECT_TRUE(hub_.asked().empty());
}

TEST_F(HubModelTest, APlacedModelHasNoLinks) {
  ASSERT_TRUE(PlaceHubModel(Fetch().value(), folder_.path() / "placed").ok());
  EXPECT_TRUE(fs::symlink_status(folder_.path() / "placed/onnx/model.onnx").type() == fs::file_type::regular);
  fs::remove_all(settings_.cache);
  EXPECT_EQ(ReadFile(folder_.path() / "placed/onnx/model.onnx").value(), "weights");
}

TEST_F(HubModelTest, ATrimmedCacheKeepsWhatIsInUse) {
  {
    HubModel model = Fetch().value();
    TrimHubCache(settings_.cache, 0);
    EXPECT_TRUE(fs::exists(model.folder / "config.json"));
  }
  TrimHubCache(settings_.cache, 9);
  EXPECT_TRUE(fs::exists(Repository()));
  TrimHubCache(settings_.cache, 8);
  EXPECT_FALSE(fs::exists(Repository()));
  EXPECT_EQ(Fetch()->fetched_bytes, 9u);
}

TEST(HubCacheTest, ABlobIsNamedByItsETagWithoutQuotes) {
  EXPECT_EQ(BlobName("\"abc\""), "abc");
  EXPECT_EQ(BlobName("W/\"abc\""), "abc");
  for (const char* bad : {"", "\"\"", "\"../x\"", "\"a/b\"", "\"a b\""}) EXPECT_EQ(BlobName(bad), "") << bad;
}

}  // namespace
}  // namespace ns
