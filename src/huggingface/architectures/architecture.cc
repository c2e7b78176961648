#include "huggingface/architectures/architecture.h"

namespace ns {

namespace {

template <typename T>
T Take(NetBuilder& net, Result<T> value, T fallback) {
  if (!value.ok()) net.Fail(value.status());
  return value.ok() ? *std::move(value) : std::move(fallback);
}

Status NotBuilt(std::string_view field, std::string_view value, std::string_view built) {
  return InvalidArgument(
      fmt::format("config.json: '{}' is {}, and only {} is turned into ONNX here: export the model with "
                  "'optimum-cli export onnx'",
                  field, value, built),
      "UNSUPPORTED_CONFIG");
}

}  // namespace

std::string_view HeadSuffix(Head head) {
  switch (head) {
    case Head::kFeatures:
      return "Model";
    case Head::kSequenceClassification:
      return "ForSequenceClassification";
    case Head::kTokenClassification:
      return "ForTokenClassification";
    case Head::kMultipleChoice:
      return "ForMultipleChoice";
    case Head::kQuestionAnswering:
      return "ForQuestionAnswering";
    case Head::kMaskedLM:
      return "ForMaskedLM";
    case Head::kCausalLM:
      return "LMHeadModel";
    case Head::kImageClassification:
      return "ForImageClassification";
    case Head::kTaughtImageClassification:
      return "ForImageClassificationWithTeacher";
  }
  return "";
}

int64_t Build::Int(std::string_view field, int64_t fallback) {
  return Take(net, config.Int(field, fallback), fallback);
}

float Build::Float(std::string_view field, double fallback) {
  return static_cast<float>(Take(net, config.Float(field, fallback), fallback));
}

bool Build::Bool(std::string_view field, bool fallback) {
  return Take(net, config.Bool(field, fallback), fallback);
}

std::string Build::String(std::string_view field, std::string_view fallback) {
  return Take(net, config.String(field, fallback), std::string(fallback));
}

int64_t Build::Count(std::string_view field, int64_t fallback) {
  int64_t count = Int(field, fallback);
  if (count > 0) return count;
  net.Fail(InvalidArgument(fmt::format("config.json: '{}' is {}, a number from 1 on was expected", field, count),
                           "BAD_CONFIG"));
  return 1;
}

void Build::Only(std::string_view field, bool built) {
  bool value = Bool(field, built);
  if (value != built) net.Fail(NotBuilt(field, value ? "true" : "false", built ? "true" : "false"));
}

void Build::Only(std::string_view field, const char* built) {
  std::string value = String(field, built);
  if (value != built) net.Fail(NotBuilt(field, fmt::format("'{}'", value), fmt::format("'{}'", built)));
}

const std::vector<Architecture>& AllArchitectures() {
  static const std::vector<Architecture> all = {Bert(),    Roberta(), XlmRoberta(), Camembert(), DistilBert(), Albert(),
                                                Electra(), MpNet(),   Vit(),        Deit(),      ResNet(),     Gpt2()};
  return all;
}

std::string SupportedClasses() {
  std::string names;
  for (const Architecture& architecture : AllArchitectures()) {
    for (Head head : architecture.heads) {
      names += fmt::format("{}{}{}", names.empty() ? "" : ", ", architecture.class_prefix, HeadSuffix(head));
    }
  }
  return names;
}

}  // namespace ns
