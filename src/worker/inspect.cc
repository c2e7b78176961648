#include "worker/inspect.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "quantize/prepare.h"
#include "worker/summary.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// Models come from strangers.
constexpr size_t kMostCharacters = 200;

std::string Shown(std::string_view text) { return Printable(text, kMostCharacters); }

std::string ShapeText(const TensorSpec& spec) {
  if (!spec.has_shape) return "any shape";
  std::string text;
  for (size_t i = 0; i < spec.shape.size(); ++i) {
    std::string size = std::to_string(spec.shape[i]);
    if (spec.shape[i] < 0)
      size = i < spec.dimension_names.size() && !spec.dimension_names[i].empty() ? spec.dimension_names[i] : "?";
    text += (i > 0 ? ", " : "") + size;
  }
  return "[" + text + "]";
}

// "12 MatMul: int8 convolution" lines, equal ones counted together, in order of appearance.
std::string DecisionText(const std::vector<OperatorDecision>& decisions) {
  std::vector<std::pair<std::string, int>> groups;
  for (const OperatorDecision& decision : decisions) {
    std::string what =
        fmt::format("{:<20}{:<10}{}", Shown(decision.type), decision.mode == OpMode::kFloat ? "float" : "int8", Shown(decision.why));
    auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == what; });
    if (found == groups.end()) {
      groups.emplace_back(what, 1);
    } else {
      ++found->second;
    }
  }
  std::string text;
  for (const auto& [what, count] : groups) text += fmt::format("  {:>5} {}\n", count, what);
  return text;
}

}  // namespace

Result<Inspection> Inspect(const fs::path& path, std::stop_token stop) {
  NS_ASSIGN_OR_RETURN(SourceModel source, LoadSource(path));
  Inspection inspection;
  const Model& model = source.model;
  inspection.onnx = source.built ? source.folder->weights : source.onnx;
  if (source.folder) inspection.task = source.folder->task;
  inspection.opset = model.opset();
  inspection.ir_version = model.proto().ir_version();
  inspection.producer = model.proto().producer_name() + " " + model.proto().producer_version();
  std::error_code ignored;
  inspection.file_bytes = fs::file_size(source.onnx, ignored);
  inspection.weight_bytes = model.WeightBytes();
  inspection.inputs = model.inputs();
  inspection.outputs = model.outputs();
  inspection.notes = model.notes();
  if (source.built) inspection.notes.insert(inspection.notes.end(), source.folder->guesses.begin(), source.folder->guesses.end());
  for (const auto& node : model.graph().node()) {
    bool standard = node.domain().empty() || node.domain() == "ai.onnx";
    ++inspection.operators[standard ? node.op_type() : node.domain() + "." + node.op_type()];
  }
  NullProgress progress;
  NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(source.model.Clone(), progress, stop));
  auto quantizer = Quantizer::Create(std::move(prepared));
  if (!quantizer.ok() && quantizer.status().reason() == "NOTHING_TO_QUANTIZE") {
    inspection.notes.push_back(quantizer.status().message());
    return inspection;
  }
  NS_RETURN_IF_ERROR(quantizer.status());
  inspection.as_static = quantizer->Decisions(DefaultConfig(OpMode::kStatic));
  inspection.as_dynamic = quantizer->Decisions(DefaultConfig(OpMode::kDynamic));
  return inspection;
}

std::string InspectionText(const Inspection& inspection) {
  std::string text = fmt::format("{}\n  opset {}, IR {}, {}; file {}, weights {}\n", Printable(inspection.onnx.string()),
                                 inspection.opset, inspection.ir_version, Shown(inspection.producer),
                                 BytesText(inspection.file_bytes), BytesText(inspection.weight_bytes));
  if (!inspection.task.empty()) text += fmt::format("  task {}\n", Shown(inspection.task));
  text += "inputs\n";
  for (const TensorSpec& spec : inspection.inputs)
    text += fmt::format("  {:<28}{:<10}{}\n", Shown(spec.name), DTypeName(spec.dtype), Shown(ShapeText(spec)));
  text += "outputs\n";
  for (const TensorSpec& spec : inspection.outputs)
    text += fmt::format("  {:<28}{:<10}{}\n", Shown(spec.name), DTypeName(spec.dtype), Shown(ShapeText(spec)));
  text += "operators\n";
  for (const auto& [type, count] : inspection.operators) text += fmt::format("  {:>5} {}\n", count, Shown(type));
  text += "static quantization, after preparation\n" + DecisionText(inspection.as_static);
  text += "dynamic quantization, after preparation\n" + DecisionText(inspection.as_dynamic);
  for (const std::string& note : inspection.notes) text += "note: " + Printable(note, 1000) + "\n";
  return text;
}

namespace {

using Json = nlohmann::ordered_json;

Json SpecsJson(const std::vector<TensorSpec>& specs) {
  Json list = Json::array();
  for (const TensorSpec& spec : specs) {
    Json one = {{"name", spec.name}, {"dtype", DTypeName(spec.dtype)}};
    one["shape"] = spec.has_shape ? Json(spec.shape) : Json();
    list.push_back(std::move(one));
  }
  return list;
}

Json DecisionsJson(const std::vector<OperatorDecision>& decisions) {
  Json list = Json::array();
  for (const OperatorDecision& decision : decisions) {
    list.push_back({{"name", decision.name},
                    {"type", decision.type},
                    {"decision", OpModeName(decision.mode)},
                    {"why", decision.why}});
  }
  return list;
}

}  // namespace

std::string InspectionJson(const Inspection& inspection) {
  Json json = {{"model", inspection.onnx.string()},
               {"task", inspection.task},
               {"opset", inspection.opset},
               {"ir_version", inspection.ir_version},
               {"producer", inspection.producer},
               {"file_bytes", inspection.file_bytes},
               {"weight_bytes", inspection.weight_bytes},
               {"inputs", SpecsJson(inspection.inputs)},
               {"outputs", SpecsJson(inspection.outputs)},
               {"operators", inspection.operators},
               {"static", DecisionsJson(inspection.as_static)},
               {"dynamic", DecisionsJson(inspection.as_dynamic)},
               {"notes", inspection.notes}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ns
