// A folder as Hugging Face's `save_pretrained` writes it, with an ONNX model or weights in it: what the model is for, its
// labels, its tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/data_set.h"

namespace ns {

struct ModelFolder {
  std::filesystem::path folder;
  std::filesystem::path onnx;                // model.onnx or onnx/model.onnx; empty: there is none
  std::filesystem::path weights;             // Weights::Find(), looked for only where there is no ONNX model
  std::filesystem::path tokenizer;           // tokenizer.json; empty: there is none
  // config.json and, where they are there, tokenizer.json and tokenizer_config.json.
  std::vector<std::filesystem::path> settings;
  std::string model_type;                    // "bert"
  std::vector<std::string> architectures;    // "BertForSequenceClassification"
  std::string task;                          // "text-classification", ... as the hub names tasks; "": not known
  std::string metric;                        // the metric usual for the task: "accuracy"; "": not known
  std::map<std::string, int64_t> label_ids;  // label2id, or id2label turned round
  int64_t labels = 0;                        // number of classes; 0: not told; 1: a regression
  int64_t max_length = 0;                    // tokens that the model takes; 0: not told
  std::optional<int64_t> pad_id;             // token id of padding, where config.json tells it
  std::optional<TokenizerOptions::PadSide> pad_side;
  std::vector<std::string> guesses;  // what was inferred, a sentence each
};

// Reads config.json, tokenizer.json and tokenizer_config.json of the folder; only config.json and the ONNX model, or
// weights, must be there. NotFound: FILE_NOT_FOUND (no such folder), NO_ONNX_MODEL and NO_CONFIG (list what was looked
// for).
// InvalidArgument (BAD_CONFIG): not JSON, or a field of another type than it should be; names file and field.
Result<ModelFolder> OpenModelFolder(const std::filesystem::path& folder);

// Whether the path is a folder with a config.json.
bool LooksLikeModelFolder(const std::filesystem::path& path);

// Sets tokenizer and label names where `options` doesn't tell them itself.
void FillDataSetOptions(const ModelFolder& model, DataSetOptions* options);

}  // namespace ns
