#include "tasks/hub_name.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(HubNameTest, IsOwnerNameAndRevision) {
  HubName name = ParseHubName("google-bert/bert-base.v1_x@v1.0").value();
  EXPECT_EQ(name.id, "google-bert/bert-base.v1_x");
  EXPECT_EQ(name.name(), "bert-base.v1_x");
  EXPECT_EQ(name.revision, "v1.0");
  EXPECT_EQ(name.text(), "google-bert/bert-base.v1_x@v1.0");
}

TEST(HubNameTest, WithoutARevisionItIsMain) {
  EXPECT_EQ(ParseHubName("a/b")->revision, "main");
  EXPECT_EQ(ParseHubName("a/b")->text(), "a/b");
}

TEST(HubNameTest, OldNamesHaveNoOwner) {
  EXPECT_EQ(ParseHubName("bert-base-uncased")->name(), "bert-base-uncased");
  EXPECT_EQ(ParseHubName("gpt2@refs/pr/1")->revision, "refs/pr/1");
}

TEST(HubNameTest, PathsAreNone) {
  for (const char* text : {"", "/a/b", "./a", "../a", "a/b/c", "a/", "~/a", "a b", "a/../b", "a//b", "a\\b", "C:a", "a/b\n", "http://a/b", "upload:1"}) {
    EXPECT_FALSE(IsHubName(text)) << text;
  }
}

TEST(HubNameTest, WhatTheHubRefusesIsNone) {
  for (const char* text : {"a--b", "a..b", "-a/b", "a/b.", "a/b.git", "a/\xc3\xa9"}) EXPECT_FALSE(IsHubName(text)) << text;
  EXPECT_TRUE(IsHubName(std::string(96, 'a')));
  EXPECT_FALSE(IsHubName(std::string(97, 'a')));
}

TEST(HubNameTest, NamesOfFilesAreNone) {
  for (const char* text : {"model.onnx", "a/model.onnx", "bert.zip", "a/bert.tar.gz"}) EXPECT_FALSE(IsHubName(text)) << text;
}

TEST(HubNameTest, ARevisionStaysBelowItsFolder) {
  for (const char* text : {"a/b@", "a/b@../x", "a/b@/x", "a/b@x/", "a/b@x//y", "a/b@x/../y", "a/b@.x", "a/b@x y", "a/b@x?y", "a/b@x%2f"}) {
    EXPECT_FALSE(IsHubName(text)) << text;
  }
}

}  // namespace
}  // namespace ns
