#include "runtime/tapped_session.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace ns {
namespace {

Model Chain() {
  return Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2] x) => (float[N,2] y) <float[2] one = {1, 1}>
    { a = Add (x, one)  b = Mul (a, a)  y = Neg (b) })").value();
}

TEST(TappedSessionTest, ShowsEachValueOnceWithItsNumbers) {
  TappedSession session = TappedSession::Create(Chain(), {"b", "a"}).value();
  std::map<size_t, std::vector<float>> seen;
  auto tap = [&](size_t value, const TensorView& tensor) {
    EXPECT_EQ(tensor.shape, Shape({1, 2}));
    auto numbers = tensor.values<float>();
    EXPECT_TRUE(seen.emplace(value, std::vector<float>(numbers.begin(), numbers.end())).second);
    return OkStatus();
  };
  ASSERT_TRUE(session.Run({{"x", Tensor::From<float>({1, 2}, {1, 2})}}, tap).ok());
  EXPECT_EQ(seen[1], (std::vector<float>{2, 3}));
  EXPECT_EQ(seen[0], (std::vector<float>{4, 9}));
}

TEST(TappedSessionTest, AnErrorOfTheTapIsReturnedAndEndsTheTaps) {
  TappedSession session = TappedSession::Create(Chain(), {"a", "b"}).value();
  int calls = 0;
  auto tap = [&](size_t, const TensorView&) {
    ++calls;
    return InvalidArgument("seen enough", "ENOUGH");
  };
  EXPECT_EQ(session.Run({{"x", Tensor::From<float>({1, 2}, {1, 2})}}, tap).reason(), "ENOUGH");
  EXPECT_EQ(calls, 1);
}

TEST(TappedSessionTest, ErrorsOfTheRunComeThrough) {
  TappedSession session = TappedSession::Create(Chain(), {"a"}).value();
  EXPECT_EQ(session.Run({}, [](size_t, const TensorView&) { return OkStatus(); }).reason(), "MISSING_INPUT");
}

TEST(TappedSessionTest, ThreadsSeeTheirOwnRuns) {
  TappedSession session = TappedSession::Create(Chain(), {"a"}).value();
  std::vector<std::jthread> threads;
  for (float start : {0.0f, 100.0f, 200.0f}) {
    threads.emplace_back([&session, start] {
      for (float x = start; x < start + 50; ++x) {
        auto tap = [x](size_t, const TensorView& tensor) {
          EXPECT_EQ(tensor.values<float>()[0], x + 1);
          return OkStatus();
        };
        EXPECT_TRUE(session.Run({{"x", Tensor::From<float>({1, 2}, {x, x})}}, tap).ok());
      }
    });
  }
}

}  // namespace
}  // namespace ns
