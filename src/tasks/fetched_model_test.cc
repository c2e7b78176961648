#include "tasks/fetched_model.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(FetchedModelTest, ReadsWhatItWrites) {
  FetchedModel fetched = ParseFetchedModel(FetchedModelToJson(FetchedModel{"/c/\xc3\xa9", "abc", 7})).value();
  EXPECT_EQ(fetched.folder, "/c/\xc3\xa9");
  EXPECT_EQ(fetched.commit, "abc");
  EXPECT_EQ(fetched.fetched_bytes, 7u);
}

TEST(FetchedModelTest, AFailureIsOneToTheReaderToo) {
  Status status = ParseFetchedModel(FetchedModelToJson(NotFound("no \"x\"", "HUB_NOT_FOUND"))).status();
  EXPECT_EQ(status.reason(), "HUB_NOT_FOUND");
  EXPECT_EQ(status.message(), "no \"x\"");
}

TEST(FetchedModelTest, OtherTextIsNoAnswer) {
  for (const char* text : {"", "x", "[]", "{}"}) EXPECT_EQ(ParseFetchedModel(text).status().reason(), "NO_ANSWER") << text;
}

}  // namespace
}  // namespace ns
