// What the ways of computing a product are worth: four layers of 768 x 768 with bias and Tanh, random weights, each form timed in turns with float on
// one thread, at 128 rows and at one.
//
//   product_forms
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "data/array_data_set.h"
#include "quantize/output_probe.h"
#include "quantize/prepare.h"
#include "quantize/quantizer.h"
#include "quantize/testing/models.h"
#include "runtime/timing.h"

namespace ns {
namespace {

constexpr int64_t kSize = 768, kRows = 128;

struct Form {
  const char* name;
  OpConfig config;
};

const Form kForms[] = {{"static", {}},
                       {"dynamic", {.mode = OpMode::kDynamic}},
                       {"weight-only int8", {.mode = OpMode::kWeightOnly}},
                       {"weight-only int4, blocks of 32", {.mode = OpMode::kWeightOnlyInt4}},
                       {"weight-only int4, blocks of 128", {.mode = OpMode::kWeightOnlyInt4, .block = 128}},
                       {"weight-only int4, blocks of 32 with zero points", {.mode = OpMode::kWeightOnlyInt4, .zero_points = true}}};

Model Layers() {
  std::string weights, nodes, value = "x";
  for (int i = 0; i < 4; ++i) {
    weights += fmt::format("{}float[1] w{} = {{0}}, float[1] b{} = {{0}}", i == 0 ? "" : ", ", i, i);
    nodes += fmt::format("[product{0}] p{0} = MatMul ({1}, w{0})  [add{0}] a{0} = Add (p{0}, b{0})  [tanh{0}] y{0} = Tanh (a{0}) ", i, value);
    value = fmt::format("y{}", i);
  }
  Model model = Model::FromText(fmt::format("<ir_version: 8, opset_import: [\"\" : 17]> g (float[N,{}] x) => (float[N,{}] y3) <{}> {{ {} }}", kSize, kSize,
                                            weights, nodes)).value();
  for (int i = 0; i < 4; ++i) {
    SetRandomWeight(model, fmt::format("w{}", i), {kSize, kSize}, 1 / std::sqrt(static_cast<float>(kSize)), static_cast<unsigned>(i));
    SetRandomWeight(model, fmt::format("b{}", i), {kSize}, 0.1f, static_cast<unsigned>(10 + i));
  }
  return model;
}

Tensor NormalRows(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  Tensor rows(DType::kFloat, {count, kSize});
  for (float& value : rows.mutable_values<float>()) value = normal(random);
  return rows;
}

uint64_t WeightBytes(const Model& model) {
  uint64_t bytes = 0;
  for (const std::string& name : model.WeightNames()) bytes += model.Weight(name).value().byte_size();
  return bytes;
}

Status Run() {
  NullProgress progress;
  NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(Layers(), progress, {}));
  NS_ASSIGN_OR_RETURN(auto data, ArrayDataSet::Create({{"x", NormalRows(kRows, 20)}}, prepared.inputs(), {}));
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < kRows; ++row) rows.push_back(row);
  NS_ASSIGN_OR_RETURN(Quantizer quantizer, Quantizer::Create(prepared.Clone()));
  NS_RETURN_IF_ERROR(quantizer.Calibrate(*data, rows, {}, progress, {}));
  NS_ASSIGN_OR_RETURN(OutputProbe probe, OutputProbe::Create(quantizer, *data, rows, 1, progress, {}));
  std::vector<Session> sessions;
  std::vector<std::string> names = {"float"};
  NS_ASSIGN_OR_RETURN(Session in_float, Session::FromModel(prepared, {}));
  sessions.push_back(std::move(in_float));
  for (const Form& form : kForms) {
    QuantConfig config = DefaultConfig(form.config.mode);
    config.defaults.block = form.config.block;
    config.defaults.zero_points = form.config.zero_points;
    NS_ASSIGN_OR_RETURN(QuantizedModel model, quantizer.Quantize(config));
    NS_ASSIGN_OR_RETURN(double sqnr, probe.Sqnr(model.model, {}));
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(model.model, {}));
    sessions.push_back(std::move(session));
    names.push_back(fmt::format("{} | {:.0f} % | {:.1f} dB", form.name,
                                100 * static_cast<double>(WeightBytes(model.model)) / static_cast<double>(WeightBytes(prepared)), sqnr));
  }
  std::vector<const Session*> all;
  for (const Session& session : sessions) all.push_back(&session);
  std::vector<std::vector<LatencyResult>> times;
  for (int64_t count : {kRows, int64_t{1}}) {
    std::vector<NamedTensors> inputs = {{{"x", NormalRows(count, 21)}}};
    LatencyOptions options;
    options.pin_to_cores = {0};
    NS_ASSIGN_OR_RETURN(times.emplace_back(), MeasureLatency(all, inputs, options));
  }
  fmt::print("form | weights | SQNR | times as fast as float at {} rows, at 1 (95 %)\n", kRows);
  for (size_t i = 1; i < names.size(); ++i) {
    fmt::print("{}", names[i]);
    for (const auto& at : times) fmt::print(" | {:.2f} ({:.2f} to {:.2f})", at[i].speedup.value, at[i].speedup.low, at[i].speedup.high);
    fmt::print("\n");
  }
  return OkStatus();
}

}  // namespace
}  // namespace ns

int main() {
  ns::Status status = ns::Run();
  if (!status.ok()) fmt::print(stderr, "{}\n", status.ToString());
  return status.ok() ? 0 : 1;
}
