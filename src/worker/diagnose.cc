#include "worker/diagnose.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "base/file.h"
#include "base/printable.h"
#include "quantize/prepare.h"
#include "report/markup.h"
#include "report/operator_section.h"
#include "report/operator_svg.h"
#include "report/operator_table.h"
#include "report/page.h"
#include "worker/latency.h"
#include "worker/operator_figures.h"
#include "worker/operator_shares.h"
#include "worker/stage_progress.h"
#include "worker/summary.h"
#include "worker/tuning_space.h"

namespace ns {

namespace {

constexpr size_t kProbeRows = 16, kProfileRows = 5;
constexpr double kEffectSeconds = 120;

class Diagnoser {
 public:
  Diagnoser(const OptimizeOptions& options, const WorkContext& context)
      : options_(options), context_(context), progress_(context.clock, context.events), latency_(MakeLatencyRun(options.latency, options.cores)) {
    threads_ = options.threads > 0 ? options.threads : static_cast<int>(latency_.cores.size());
  }

  Result<Diagnosis> Run() {
    if (!options_.cores.empty() && !PinThisThread(options_.cores)) {
      return InvalidArgument("the cores asked for may not be used by this process", "BAD_CORES");
    }
    NS_RETURN_IF_ERROR(Load());
    if (!quantizer_) return std::move(diagnosis_);
    TuningSpace space = MakeTuningSpace(*quantizer_, options_.tuning, {}, nullptr);
    bool is_static = options_.tuning.approach != Approach::kDynamic && space.CountWith(OpMode::kStatic) > 0;
    config_ = space.Uniform(is_static ? OpMode::kStatic : OpMode::kDynamic);
    diagnosis_.plan = is_static ? fmt::format("static, {}", CalibrationMethodName(space.base.defaults.calibration)) : "dynamic";
    if (is_static) NS_RETURN_IF_ERROR(Calibrate(space.base.defaults.calibration));
    NS_RETURN_IF_ERROR(Measure());
    diagnosis_.operators = OperatorRows(quantizer_->Decisions(config_), figures_);
    return std::move(diagnosis_);
  }

 private:
  Status Load() {
    progress_.Begin("load", 0, 0.05);
    NS_ASSIGN_OR_RETURN(diagnosis_.inspection, Inspect(options_.model, context_.stop));
    NS_ASSIGN_OR_RETURN(SourceModel source, LoadSource(options_.model));
    NS_ASSIGN_OR_RETURN(data_, OpenData(source, options_.data, DataSetOptions::Labels::kOptional));
    for (const std::string& note : data_.split.notes) diagnosis_.inspection.notes.push_back(note);
    rows_ = SpreadRows(data_.split.evaluation, kProbeRows);
    diagnosis_.probe_rows = static_cast<int64_t>(rows_.size());
    progress_.Begin("prepare", 0.05, 0.1);
    NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(std::move(source.model), progress_, context_.stop));
    auto quantizer = Quantizer::Create(std::move(prepared));
    if (quantizer.ok()) quantizer_ = std::move(*quantizer);
    // Inspect() has said so.
    return !quantizer.ok() && quantizer.status().reason() != "NOTHING_TO_QUANTIZE" ? quantizer.status() : OkStatus();
  }

  Status Calibrate(CalibrationMethod method) {
    progress_.Begin("calibrate", 0.1, 0.3);
    CalibrationOptions calibration;
    calibration.methods = {method};
    calibration.threads = threads_;
    calibration.batch_size = data_.calibration().fixed_batch().value_or(1);
    diagnosis_.calibration_rows = static_cast<int64_t>(data_.split.calibration.size());
    return quantizer_->Calibrate(data_.calibration(), data_.split.calibration, calibration, progress_, context_.stop);
  }

  Status Measure() {
    const DataSet& data = *data_.evaluation;
    progress_.Begin("values", 0.3, 0.45);
    NS_RETURN_IF_ERROR(MeasureValues(*quantizer_, config_, data_.calibration(), data_.split.calibration, threads_, progress_, context_.stop, &figures_));
    progress_.Begin("profile", 0.45, 0.5);
    if (Status profiled = Profile(); profiled.code() == StatusCode::kCancelled) {
      return profiled;
    } else if (!profiled.ok()) {
      diagnosis_.inspection.notes.push_back(fmt::format("the operators' shares of the fp32 run are missing: {}", profiled.message()));
    }
    progress_.Begin("rank", 0.5, 0.6);
    NS_RETURN_IF_ERROR(MeasureOwn(*quantizer_, config_, data, rows_, threads_, progress_, context_.stop, &figures_));
    progress_.Begin("effects", 0.6, 1);
    double whole_db = 0;
    auto measured = MeasureEffects(*quantizer_, config_, data, rows_, threads_, kEffectSeconds, progress_, context_.stop, &figures_, &whole_db);
    if (!measured.ok() && measured.status().reason() != "NO_FLOAT_OUTPUT") return measured.status();
    if (!measured.ok()) diagnosis_.inspection.notes.push_back(measured.status().message() + ": effects are not known");
    if (measured.ok() && !*measured) {
      diagnosis_.inspection.notes.push_back(
          fmt::format("effects on the outputs were not measured: a run for each block of operators would take more than {:.0f} s", kEffectSeconds));
    }
    if (measured.ok() && std::isfinite(whole_db)) diagnosis_.output_sqnr_db = whole_db;
    progress_.End();
    return OkStatus();
  }

  Status Profile() {
    NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-profile-"));
    context_.scratch.Add(folder.path());
    auto measured = [&]() -> Status {
      NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*data_.evaluation, rows_, options_.latency.batch, kProfileRows));
      NS_ASSIGN_OR_RETURN(auto nodes, ProfileNodes(quantizer_->prepared(), TimedSession(latency_), rows, folder.path(), context_.stop));
      for (const NodeTime& node : nodes) diagnosis_.float_latency_ms += 1000 * node.seconds;
      auto decisions = quantizer_->Decisions(AllInFloat());
      TakeFloatShares(OperatorShares(nodes, decisions, quantizer_->prepared().graph()), decisions, &figures_);
      return OkStatus();
    }();
    context_.scratch.Remove(folder.path());
    return measured;
  }

  const OptimizeOptions& options_;
  const WorkContext& context_;
  StageProgress progress_;
  LatencyRun latency_;
  int threads_ = 1;
  SourceData data_;
  std::vector<int64_t> rows_;  // compared
  std::optional<Quantizer> quantizer_;
  QuantConfig config_;
  FigureMap figures_;
  Diagnosis diagnosis_;
};

std::string Heading(const Diagnosis& diagnosis) {
  std::string text = fmt::format("{} plan; {} rows calibrate, {} compared", diagnosis.plan, diagnosis.calibration_rows, diagnosis.probe_rows);
  if (diagnosis.output_sqnr_db) text += fmt::format("; all of it quantized: {:.1f} dB at the outputs", *diagnosis.output_sqnr_db);
  return text;
}

}  // namespace

Result<Diagnosis> Diagnose(const OptimizeOptions& options, const WorkContext& context) { return Diagnoser(options, context).Run(); }

std::string DiagnosisText(const Diagnosis& diagnosis, size_t shown) {
  const Inspection& model = diagnosis.inspection;
  std::string text = fmt::format("{}\n  opset {}, weights {}; {}\n\n", model.onnx.string(), model.opset, BytesText(model.weight_bytes), Heading(diagnosis));
  text += OperatorTable(diagnosis.operators, shown);
  for (const std::string& note : model.notes) text += "note: " + Printable(note, 1000) + "\n";
  return text;
}

std::string DiagnosisJson(const Diagnosis& diagnosis) {
  using Json = nlohmann::ordered_json;
  Json json = Json::parse(InspectionJson(diagnosis.inspection));
  Json figures = {{"plan", diagnosis.plan},
                  {"calibration_rows", diagnosis.calibration_rows},
                  {"probe_rows", diagnosis.probe_rows},
                  {"output_sqnr_db", diagnosis.output_sqnr_db ? Json(*diagnosis.output_sqnr_db) : Json()},
                  {"float_latency_ms", diagnosis.float_latency_ms}};
  figures["operators"] = Json::parse(OperatorsToJson(diagnosis.operators));
  json["diagnosis"] = std::move(figures);
  return json.dump(2) + "\n";
}

std::string DiagnosisHtml(const Diagnosis& diagnosis) {
  std::string name = diagnosis.inspection.onnx.filename().string();
  std::string body = "<h1>" + EscapeMarkup(name) + "</h1>\n<p>" + EscapeMarkup(Heading(diagnosis)) + ".</p>\n" + OperatorSection(diagnosis.operators);
  std::string notes;
  for (const std::string& note : diagnosis.inspection.notes) notes += "<li>" + EscapeMarkup(note) + "</li>\n";
  if (!notes.empty()) body += "<h2>Remarks</h2><ul>\n" + notes + "</ul>\n";
  return StandalonePage("Diagnosis of " + name, body);
}

std::string DiagnosisSvg(const Diagnosis& diagnosis) {
  return OperatorSvg(diagnosis.operators, diagnosis.inspection.onnx.filename().string(), Heading(diagnosis));
}

}  // namespace ns
