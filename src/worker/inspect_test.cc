#include "worker/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

TEST(InspectTest, StopsWhenAsked) {
  TempDir folder = TempDir::Create("ns-inspect-").value();
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 2] x) => (float[N, 2] y) { y = Relu(x) })")
                    .value();
  ASSERT_TRUE(model.Save(folder.path() / "m.onnx").ok());
  std::stop_source stop;
  EXPECT_TRUE(Inspect(folder.path() / "m.onnx", stop.get_token()).ok());
  stop.request_stop();
  EXPECT_EQ(Inspect(folder.path() / "m.onnx", stop.get_token()).status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace ns
