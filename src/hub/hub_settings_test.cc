#include "hub/hub_settings.h"

#include <gtest/gtest.h>

#include <map>

#include "base/file.h"

namespace ns {
namespace {

HubSettings From(const std::map<std::string, std::string>& variables) {
  return HubSettingsFrom([&](const char* name) {
    auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(HubSettingsTest, DefaultsAreThoseOfTheHubsOwnClient) {
  HubSettings settings = From({{"HOME", "/home/me"}});
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.cache, "/home/me/.cache/huggingface/hub");
  EXPECT_EQ(settings.token, "");
  EXPECT_FALSE(settings.offline);
}

TEST(HubSettingsTest, TheCacheIsFoundByTheNearestVariable) {
  EXPECT_EQ(From({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}).cache, "/x/huggingface/hub");
  EXPECT_EQ(From({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "~/hf"}}).cache, "/h/hf/hub");
  EXPECT_EQ(From({{"HF_HOME", "/f"}, {"HF_HUB_CACHE", "/c"}}).cache, "/c");
}

TEST(HubSettingsTest, TheTokenIsThatOfTheVariableThenOfTheFile) {
  TempDir home = TempDir::Create("hub").value();
  ASSERT_TRUE(WriteFileAtomic(home.path() / "token", " hf_file\n").ok());
  EXPECT_EQ(From({{"HF_HOME", home.path()}}).token, "hf_file");
  EXPECT_EQ(From({{"HF_HOME", home.path()}, {"HF_TOKEN", "hf_variable"}}).token, "hf_variable");
  EXPECT_EQ(From({{"HF_HOME", home.path()}, {"HF_TOKEN_PATH", home.path() / "none"}}).token, "");
}

TEST(HubSettingsTest, OfflineIsSaidByWordsOfTruth) {
  for (const char* yes : {"1", "on", "YES", "True"}) EXPECT_TRUE(From({{"HF_HUB_OFFLINE", yes}}).offline) << yes;
  for (const char* no : {"0", "", "off"}) EXPECT_FALSE(From({{"HF_HUB_OFFLINE", no}}).offline) << no;
  EXPECT_TRUE(From({{"TRANSFORMERS_OFFLINE", "1"}}).offline);
}

TEST(HubSettingsTest, AnEndpointLosesItsLastSlash) { EXPECT_EQ(From({{"HF_ENDPOINT", "http://mirror:8080/hf/"}}).endpoint, "http://mirror:8080/hf"); }

}  // namespace
}  // namespace ns
