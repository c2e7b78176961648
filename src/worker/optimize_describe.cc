#include <algorithm>
#include <set>

#include "base/cpu.h"
#include "base/hash.h"
#include "runtime/environment.h"
#include "worker/optimize_run.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// Files beside the model that hold weights of it.
std::set<fs::path> ExternalFiles(const fs::path& onnx, const Model& model) {
  std::set<fs::path> files;
  std::error_code ignored;
  for (const auto& tensor : model.graph().initializer()) {
    const auto* shared = model.SharedWeight(tensor.name());
    if (shared != nullptr && !shared->file.empty() && !fs::equivalent(shared->file, onnx, ignored))
      files.insert(shared->file);
  }
  return files;
}

}  // namespace

Result<std::string> DigestOfModel(const fs::path& onnx, const Model& model) {
  NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(onnx));
  std::set<fs::path> external = ExternalFiles(onnx, model);
  if (external.empty()) return digest;
  std::string list = digest + "\n";
  for (const fs::path& file : external) {
    NS_ASSIGN_OR_RETURN(std::string one, Sha256HexOfFile(file));
    list += fmt::format("{}  {}\n", one, file.filename().string());
  }
  return Sha256Hex(list);
}

EnvironmentReport DescribeEnvironment(const std::vector<int>& cores, int threads) {
  EnvironmentReport environment;
  environment.versions = {{"neural_solution", NS_VERSION}, {"onnxruntime", RuntimeVersion()}};
  environment.cpu = ThisCpu().model;
  environment.cpu_features = ThisCpu().ToString();
  environment.threads = threads;
  environment.cores = cores;
  return environment;
}

Status OptimizeRun::DescribeModel() {
  NS_ASSIGN_OR_RETURN(model_sha256_, DigestOfModel(source_->onnx, source_->model));
  report_.inputs.push_back({"model", source_->onnx.string(), model_sha256_});
  // They decide what texts become and which class a label is: all that is measured depends on them, as on the model.
  for (const fs::path& file : source_->folder ? source_->folder->settings : std::vector<fs::path>()) {
    NS_ASSIGN_OR_RETURN(std::string digest, Sha256HexOfFile(file));
    report_.inputs.push_back({"settings", file.string(), digest});
  }
  std::error_code error;
  report_.baseline.size_bytes = fs::file_size(source_->onnx, error);
  for (const fs::path& file : ExternalFiles(source_->onnx, source_->model))
    report_.baseline.size_bytes += fs::file_size(file, error);
  report_.environment = DescribeEnvironment(latency_.cores, latency_.threads);
  return OkStatus();
}

Status OptimizeRun::DescribeData() {
  NS_ASSIGN_OR_RETURN(std::string digest, DigestOf(options_.data.path));
  report_.inputs.push_back({"dataset", options_.data.path.string(), digest});
  if (data_->second) {
    NS_ASSIGN_OR_RETURN(std::string second, DigestOf(options_.data.calibration));
    report_.inputs.push_back({"calibration", options_.data.calibration, second});
  }
  return OkStatus();
}

Result<OptimizeOutcome> OptimizeRun::DescribePlan() {
  OptimizeOutcome outcome;
  std::string& plan = outcome.plan;
  plan += fmt::format("model        {} ({:.1f} MB, opset {})\n", source_->onnx.string(),
                      static_cast<double>(report_.baseline.size_bytes) / 1e6, source_->model.opset());
  if (data_) {
    plan += fmt::format("data         {} rows evaluated, {} calibrate\n", data_->split.evaluation.size(),
                        data_->split.calibration.size());
    for (const MetricRequest& metric : metrics_) {
      plan += fmt::format("metric       {}, tolerable loss {:g}{}\n", metric.name, metric.criterion.tolerable_loss,
                          metric.criterion.kind == CriterionKind::kRelative ? " relative" : " absolute");
    }
  }
  TuningSpace space = Space();
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
    if (space.CountWith(mode) > 0) plan += fmt::format("to try       {}: {} operators in int8\n", OpModeName(mode), space.CountWith(mode));
  }
  if (!quantizer_) plan += "to try       nothing: no operator can be quantized, fp32 would be kept\n";
  if (data_) {
    NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source_->model, {}));
    NS_ASSIGN_OR_RETURN(double baseline, ExpectedBaselineSeconds(session));
    EstimateEvent expected = Expect(baseline);
    plan += fmt::format("expected     about {:.0f} s, {:.0f} MB at the peak\n", expected.seconds,
                        static_cast<double>(expected.memory_bytes) / 1e6);
  }
  plan += fmt::format("cores        {} threads for evaluation, {} for timing\n", options_.threads, latency_.threads);
  plan += fmt::format("output       {} (not written: dry run)\n", options_.output.string());
  outcome.report = std::move(report_);
  return outcome;
}

}  // namespace ns
