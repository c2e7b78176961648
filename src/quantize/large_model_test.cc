// A model over 2 GB: run from its external data, and quantized. By itself as the test `large_model`: seconds of reading, 5 GB of memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/file.h"
#include "data/array_data_set.h"
#include "graph/tensor_proto.h"
#include "quantize/prepare.h"
#include "quantize/quantizer.h"
#include "runtime/session.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kInputs = 16384, kOutputs = 33024;
constexpr uint64_t kBytes = uint64_t{4} * kInputs * kOutputs;
static_assert(kBytes > uint64_t{1} << 31);

float First(int64_t n) { return static_cast<float>(n % 7 - 3); }
float Last(int64_t n) { return static_cast<float>(n % 5 - 2) / 2; }

// The weight is zeros, which take no space on the disk, but for its first and its last row.
void WriteWeight(const fs::path& file) {
  FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(fd.get(), kBytes), 0);
  for (bool last : {false, true}) {
    std::vector<float> row(kOutputs);
    for (int64_t n = 0; n < kOutputs; ++n) row[static_cast<size_t>(n)] = last ? Last(n) : First(n);
    ASSERT_GE(::lseek(fd.get(), last ? static_cast<off_t>(kBytes - row.size() * 4) : 0, SEEK_SET), 0);
    ASSERT_TRUE(WriteAll(fd.get(), {reinterpret_cast<const char*>(row.data()), row.size() * 4}, file).ok());
  }
}

// y = x * w
void WriteModel(const fs::path& file) {
  Model small = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 16384] x) => (float[N, 33024] y) <float[1] w = {0}> { [product] y = MatMul (x, w) })").value();
  ns_onnx::ModelProto proto = small.proto();
  auto* weight = proto.mutable_graph()->mutable_initializer(0);
  weight->Clear();
  weight->set_name("w");
  weight->set_data_type(ns_onnx::TensorProto::FLOAT);
  weight->add_dims(kInputs);
  weight->add_dims(kOutputs);
  SetExternalLocation(*weight, "large.bin", 0, kBytes);
  ASSERT_TRUE(WriteFileAtomic(file, proto.SerializeAsString()).ok());
}

// Row r: first value 1 + r, last value 2, zeros between: y[n] = (1 + r) First(n) + 2 Last(n).
Tensor Rows(int64_t count) {
  Tensor rows(DType::kFloat, {count, kInputs});
  auto values = rows.mutable_values<float>();
  for (int64_t r = 0; r < count; ++r) {
    values[static_cast<size_t>(r * kInputs)] = static_cast<float>(1 + r);
    values[static_cast<size_t>((r + 1) * kInputs - 1)] = 2;
  }
  return rows;
}

// The largest distance of the second row's result from the formula.
float Distance(const fs::path& model) {
  Session session = Session::FromFile(model).value();
  auto y = session.Run({{"x", Rows(2)}}).value()[0];
  EXPECT_EQ(y.shape(), (Shape{2, kOutputs}));
  float distance = 0;
  for (int64_t n = 0; n < kOutputs; ++n) {
    distance = std::max(distance, std::abs(y.values<float>()[static_cast<size_t>(kOutputs + n)] - (2 * First(n) + 2 * Last(n))));
  }
  return distance;
}

TEST(LargeModel, RunsFromExternalDataAndIsQuantizedEndToEnd) {
  TempDir folder = TempDir::Create("ns-large-").value();
  fs::path large = folder.path() / "large.onnx", small = folder.path() / "int8.onnx";
  ASSERT_NO_FATAL_FAILURE(WriteWeight(folder.path() / "large.bin"));
  ASSERT_NO_FATAL_FAILURE(WriteModel(large));
  EXPECT_EQ(Distance(large), 0);  // small whole numbers and halves: exact

  NullProgress progress;
  Quantizer quantizer = Quantizer::Create(PrepareModel(Model::Load(large).value(), progress, {}).value()).value();
  auto data = ArrayDataSet::Create({{"x", Rows(3)}}, quantizer.prepared().inputs(), {}).value();
  ASSERT_TRUE(quantizer.Calibrate(*data, std::vector<int64_t>{0, 1, 2}, {}, progress, {}).ok());
  QuantizedModel quantized = quantizer.Quantize({}).value();
  ASSERT_EQ(quantized.decisions.size(), 1u);
  EXPECT_EQ(quantized.decisions[0].mode, OpMode::kStatic);
  ASSERT_TRUE(quantized.model.Save(small).ok());
  EXPECT_NEAR(static_cast<double>(fs::file_size(small)), kBytes / 4, 1e6);
  // Inputs in steps of 3/255, weights of a column in steps of at most 3/127: half a step of each, times the other, two products.
  EXPECT_LE(Distance(small), 2 * (0.5 * 3 / 255 * 3 + 0.5 * 3 / 127 * 2));
}

}  // namespace
}  // namespace ns
