#include "runtime/stand_in.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "graph/model.h"
#include "runtime/session.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

// 1 MiB of weights in a file without a name in `folder`.
Model WithNamelessWeights(const TempDir& folder) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1] x) => (float[N] y) <float[1] w = {0}> { y = Mul (x, w) })").value();
  Tensor weight(DType::kFloat, {1 << 18});
  weight.mutable_values<float>()[1] = 3;
  model.SetWeight("w", weight);
  EXPECT_TRUE(model.MoveWeightsToTemporaryFile(folder.path()).ok());
  return model;
}

bool IsEmpty(const TempDir& folder) { return fs::directory_iterator(folder.path()) == fs::directory_iterator(); }

TEST(StandIn, StandsWhereANamelessFileWouldBeUntilTheLastOneGoes) {
  TempDir folder = TempDir::Create("ns-stand-in-").value();
  Model model = WithNamelessWeights(folder);
  fs::path path = model.SharedWeight("w")->file;
  ASSERT_TRUE(StandIn::IsNeeded(path));
  EXPECT_TRUE(IsEmpty(folder));
  {
    StandIn first = StandIn::Create(path).value();
    EXPECT_EQ(fs::canonical(path), first.file());
    { StandIn second = StandIn::Create(path).value(); }
    EXPECT_TRUE(fs::exists(first.file()));
    StandIn moved = std::move(first);
    EXPECT_EQ(fs::file_size(moved.file()), 0u);
  }
  EXPECT_TRUE(IsEmpty(folder));
}

TEST(StandIn, IsNotNeededByAFileWithAName) {
  TempDir folder = TempDir::Create("ns-stand-in-").value();
  ASSERT_TRUE(WriteFileAtomic(folder.path() / "file", "text").ok());
  EXPECT_FALSE(StandIn::IsNeeded(folder.path() / "file"));
  FileDescriptor fd(::open((folder.path() / "file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(StandIn::IsNeeded(fmt::format("/proc/self/fd/{}", fd.get())));
}

TEST(StandIn, NothingStandsOnceTheSessionIsMade) {
  TempDir folder = TempDir::Create("ns-stand-in-").value();
  Model model = WithNamelessWeights(folder);
  for (int twice = 0; twice < 2; ++twice) {
    Session session = Session::FromModel(model).value();
    EXPECT_TRUE(IsEmpty(folder));
    EXPECT_EQ(session.Run({{"x", Tensor::From<float>({1}, {2})}}).value()[0].values<float>()[1], 6);
  }
}

}  // namespace
}  // namespace ns
