#include "worker/quantize_once.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/cpu.h"
#include "base/file.h"
#include "graph/external_data.h"
#include "quantize/prepare.h"
#include "runtime/memory.h"
#include "worker/inputs.h"
#include "worker/stage_progress.h"
#include "worker/summary.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

Status Calibrate(Quantizer& quantizer, const SourceModel& source, const QuantizeOnceOptions& options,
                 StageProgress& progress, std::stop_token stop, int64_t* used) {
  DataSetOptions open;
  open.path = options.data;
  if (source.folder) FillDataSetOptions(*source.folder, &open);
  NS_ASSIGN_OR_RETURN(auto data, OpenDataSet(open, source.model.inputs()));
  std::vector<int64_t> rows(static_cast<size_t>(std::min(options.samples, data->rows())));
  std::iota(rows.begin(), rows.end(), 0);
  *used = static_cast<int64_t>(rows.size());
  CalibrationOptions calibration;
  calibration.methods = {options.method};
  calibration.threads = options.threads > 0 ? options.threads : static_cast<int>(UsableCores().size());
  calibration.batch_size = options.batch_size > 0 ? options.batch_size : data->fixed_batch().value_or(1);
  return quantizer.Calibrate(*data, rows, calibration, progress, stop);
}

Status CheckOutput(const fs::path& output, bool force) {
  std::error_code ignored;
  auto exists = [&](std::string_view what) {
    return Status(StatusCode::kAlreadyExists, fmt::format("the output '{}' {}", output.string(), what),
                  "OUTPUT_EXISTS");
  };
  if (fs::is_directory(output, ignored)) return exists("is a folder; name a file with -o");
  if (!force && fs::exists(output, ignored))
    return exists("exists; name another file with -o, or replace it with --force");
  return OkStatus();
}

fs::path DataOf(const fs::path& model) {
  return DataPath(model, 0);
}

Status Rename(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot write '{}'", to.string())) : OkStatus();
}

// From the scratch folder to `output`. The old model goes first where its structure would read the new data; its own data goes last.
Status PutInPlace(const fs::path& written, const fs::path& output) {
  std::error_code ignored;
  bool external = fs::exists(DataOf(written), ignored), replaces = fs::exists(output, ignored);
  if (external) {
    fs::remove(output, ignored);
    NS_RETURN_IF_ERROR(Rename(DataOf(written), DataOf(output)));
  }
  NS_RETURN_IF_ERROR(Rename(written, output));
  if (replaces) RemoveDataFiles(output, external ? DataOf(output) : fs::path());
  return OkStatus();
}

Status Write(const Model& model, const QuantizeOnceOptions& options, const WorkContext& context, uint64_t* bytes) {
  fs::path folder = options.output.has_parent_path() ? options.output.parent_path() : fs::path(".");
  NS_ASSIGN_OR_RETURN(TempDir scratch, TempDir::Create("." + options.output.filename().string() + ".", folder));
  context.scratch.Add(scratch.path());
  fs::path written = scratch.path() / options.output.filename();
  Status status = model.Save(written);
  std::error_code ignored;
  bool external = fs::exists(DataOf(written), ignored);
  *bytes = fs::file_size(written, ignored) + (external ? fs::file_size(DataOf(written), ignored) : 0);
  if (status.ok() && external) status = CheckOutput(DataOf(options.output), options.force);
  if (status.ok() && context.stop.stop_requested()) status = Cancelled();
  if (status.ok()) status = context.scratch.Place(scratch.path(), [&] { return PutInPlace(written, options.output); });
  context.scratch.Remove(scratch.path());
  return status.ok() ? SyncFolder(folder) : status;
}

}  // namespace

Result<QuantizeOnceOutcome> QuantizeOnce(const QuantizeOnceOptions& options, const WorkContext& context) {
  if (options.mode == OpMode::kStatic && options.data.empty()) {
    return InvalidArgument("static quantization needs calibration rows; name them with --data", "NO_DATA_GIVEN");
  }
  NS_RETURN_IF_ERROR(CheckOutput(options.output, options.force));
  QuantizeOnceOutcome outcome;
  StageProgress progress(context.clock, context.events);
  double last = 0;
  auto stage_done = [&](const char* stage) {
    double now = progress.elapsed_seconds();
    outcome.elapsed_seconds.emplace_back(stage, now - last);
    last = now;
  };
  progress.Begin("load", 0, 0.05);
  NS_ASSIGN_OR_RETURN(SourceModel source, LoadSource(options.model));
  stage_done("load");
  progress.Begin("prepare", 0.05, 0.1);
  NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(source.model.Clone(), progress, context.stop));
  NS_ASSIGN_OR_RETURN(Quantizer quantizer, Quantizer::Create(std::move(prepared)));
  stage_done("prepare");
  if (options.mode == OpMode::kStatic) {
    progress.Begin("calibrate", 0.1, 0.8);
    NS_RETURN_IF_ERROR(Calibrate(quantizer, source, options, progress, context.stop, &outcome.rows));
    stage_done("calibrate");
  }
  progress.Begin("quantize", 0.8, 0.9);
  QuantConfig config = DefaultConfig(options.mode);
  config.defaults.calibration = options.method;
  NS_ASSIGN_OR_RETURN(QuantizedModel quantized, quantizer.Quantize(config));
  stage_done("quantize");
  progress.Begin("write", 0.9, 1);
  NS_RETURN_IF_ERROR(Write(quantized.model, options, context, &outcome.size_bytes));
  stage_done("write");
  for (const OperatorDecision& decision : quantized.decisions)
    ++(decision.mode == OpMode::kFloat ? outcome.left_in_float : outcome.quantized);
  outcome.peak_memory_bytes = CurrentMemory().peak_resident_bytes;
  return outcome;
}

std::string QuantizeOnceText(const QuantizeOnceOutcome& outcome) {
  std::string text = fmt::format("{} operators quantized, {} left in float; {} rows; {}\n", outcome.quantized,
                                 outcome.left_in_float, outcome.rows, BytesText(outcome.size_bytes));
  double total = 0;
  for (const auto& [stage, seconds] : outcome.elapsed_seconds) {
    text += fmt::format("  {:<12}{:>9.3f} s\n", stage, seconds);
    total += seconds;
  }
  return text + fmt::format("  {:<12}{:>9.3f} s\n  {:<12}{:>9.1f} MB\n", "total", total, "peak memory",
                            static_cast<double>(outcome.peak_memory_bytes) / 1e6);
}

std::string QuantizeOnceJson(const QuantizeOnceOutcome& outcome) {
  nlohmann::ordered_json elapsed = nlohmann::ordered_json::object();
  for (const auto& [stage, seconds] : outcome.elapsed_seconds) elapsed[stage] = seconds;
  nlohmann::ordered_json json = {{"quantized", outcome.quantized},
                                 {"left_in_float", outcome.left_in_float},
                                 {"rows", outcome.rows},
                                 {"size_bytes", outcome.size_bytes},
                                 {"peak_memory_bytes", outcome.peak_memory_bytes},
                                 {"elapsed_seconds", elapsed}};
  return json.dump(2) + "\n";
}

}  // namespace ns
