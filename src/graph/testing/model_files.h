// Models as files, for the tests of loading and saving them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "base/file.h"
#include "graph/model.h"

namespace ns {

// y = x * w + 1 with w of 512 floats 0, 1, 2, ... (2048 bytes: a shared weight).
inline Model BigWeightModel() {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 512] x) => (float[N, 512] y) <float[1] one = {1}, float[1] w = {0}> { p = Mul(x, w)  y = Add(p, one) })").value();
  std::vector<float> values(512);
  std::iota(values.begin(), values.end(), 0.0f);
  model.SetWeight("w", Tensor::From<float>({512}, std::span<const float>(values)));
  return model;
}

class ModelFileTest : public ::testing::Test {
 protected:
  std::filesystem::path Path(const std::string& name) const { return dir_.path() / name; }
  void Write(const std::string& name, std::string_view bytes) { ASSERT_TRUE(WriteFileAtomic(Path(name), bytes).ok()); }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  // The reason of the failure to load, and what its message must hold.
  void ExpectRefused(const std::string& name, const std::string& reason, const std::string& words) {
    auto model = Model::Load(Path(name));
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.status().reason(), reason) << model.status().ToString();
    EXPECT_THAT(model.status().message(), ::testing::HasSubstr(words));
    EXPECT_THAT(model.status().message(), ::testing::HasSubstr(name));
  }
  TempDir dir_ = TempDir::Create("ns-model-").value();
};

}  // namespace ns
