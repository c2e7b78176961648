// The architectures whose weights can be written as ONNX, and what each builder is given.
//
// To add one: <name>.cc with its entry (and its build function), one line in AllArchitectures(), one in
// tests/e2e/architectures_test.py, its row in docs/huggingface.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "huggingface/architectures/model_config.h"
#include "huggingface/architectures/net_builder.h"

namespace ns {

// What is on top of the network; the end of the model class's name.
enum class Head {
  kFeatures,                   // Model: last_hidden_state
  kSequenceClassification,     // ForSequenceClassification: logits
  kTokenClassification,        // ForTokenClassification: logits
  kMultipleChoice,             // ForMultipleChoice: logits
  kQuestionAnswering,          // ForQuestionAnswering: start_logits, end_logits
  kMaskedLM,                   // ForMaskedLM: logits
  kCausalLM,                   // LMHeadModel: logits
  kImageClassification,        // ForImageClassification: logits
  kTaughtImageClassification,  // ForImageClassificationWithTeacher: logits
};
std::string_view HeadSuffix(Head head);

// What a builder works with: the network that it writes, the configuration that it reads. A field of another type than
// it should have, like everything that goes wrong, is a failure of `net`.
struct Build {
  NetBuilder net;
  const ModelConfig& config;
  Head head = Head::kFeatures;
  std::string base;  // how the names of the weights below the head begin: "bert.", or "" where only those were saved

  int64_t Int(std::string_view field, int64_t fallback);
  float Float(std::string_view field, double fallback);
  bool Bool(std::string_view field, bool fallback);
  std::string String(std::string_view field, std::string_view fallback);
  // A number from 1 on.
  int64_t Count(std::string_view field, int64_t fallback);

  // For fields that change the function: any other value than `built` is a failure (UNSUPPORTED_CONFIG).
  void Only(std::string_view field, bool built);
  void Only(std::string_view field, const char* built);
};

struct Architecture {
  std::string_view model_type;    // config.json's: "bert"
  std::string_view class_prefix;  // "Bert", of BertForMaskedLM
  std::string_view base;          // "bert."
  std::vector<Head> heads;
  void (*build)(Build& build);
};

const std::vector<Architecture>& AllArchitectures();

// "BertModel, BertForMaskedLM, ..., GPT2Model, GPT2LMHeadModel".
std::string SupportedClasses();

// Entries of single architectures, each in its file.
Architecture Bert();
Architecture Roberta();
Architecture XlmRoberta();
Architecture Camembert();
Architecture DistilBert();
Architecture Albert();
Architecture Electra();
Architecture MpNet();
Architecture Vit();
Architecture Deit();
Architecture ResNet();
Architecture Gpt2();

}  // namespace ns
