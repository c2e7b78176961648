#include "huggingface/model_folder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "huggingface/weights/weights.h"

namespace ns {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t kMaxJson = uint64_t{64} << 20;
constexpr int64_t kNoLimit = 1'000'000'000;  // tokenizers without a limit say 1e30
constexpr std::array<std::string_view, 2> kOnnxFiles = {"model.onnx", "onnx/model.onnx"};

// What a model class is for: the end of its name, the task as the hub calls it, the usual metric.
struct TaskEntry {
  std::string_view suffix;
  std::string_view task;
  std::string_view metric;
};
constexpr std::array<TaskEntry, 8> kTasks = {{
    {"ForSequenceClassification", "text-classification", "accuracy"},
    {"ForTokenClassification", "token-classification", "accuracy"},
    {"ForImageClassification", "image-classification", "accuracy"},
    {"ForAudioClassification", "audio-classification", "accuracy"},
    {"ForMultipleChoice", "multiple-choice", "accuracy"},
    {"ForMaskedLM", "fill-mask", "perplexity"},
    {"ForCausalLM", "text-generation", "perplexity"},
    {"ForQuestionAnswering", "question-answering", ""},
}};

Status BadConfig(std::string message) {
  return InvalidArgument(std::move(message), "BAD_CONFIG");
}

// One of the folder's JSON files, with typed access to its fields. A field that is null counts as not there.
class ConfigFile {
 public:
  static Result<ConfigFile> Read(const fs::path& path) {
    NS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxJson));
    ConfigFile file;
    file.path_ = path.string();
    try {
      file.root_ = json::parse(text);
    } catch (const json::exception& error) {
      return BadConfig(fmt::format("'{}' is not JSON: {}", file.path_, error.what()));
    }
    if (!file.root_.is_object()) return BadConfig(fmt::format("'{}' is not a JSON object", file.path_));
    return file;
  }

  const json* Find(const char* field) const {
    auto found = root_.find(field);
    return found == root_.end() || found->is_null() ? nullptr : &*found;
  }
  Status WrongType(std::string_view field, std::string_view wanted) const {
    return BadConfig(fmt::format("'{}': field '{}' is not {}", path_, field, wanted));
  }

  Status String(const char* field, std::string* out) const {
    const json* value = Find(field);
    if (value == nullptr) return OkStatus();
    if (!value->is_string()) return WrongType(field, "a string");
    *out = value->get<std::string>();
    return OkStatus();
  }
  Status Strings(const char* field, std::vector<std::string>* out) const {
    const json* value = Find(field);
    if (value == nullptr) return OkStatus();
    bool good =
        value->is_array() && std::all_of(value->begin(), value->end(), [](const json& v) { return v.is_string(); });
    if (!good) return WrongType(field, "a list of strings");
    for (const json& item : *value) out->push_back(item.get<std::string>());
    return OkStatus();
  }
  // A whole number from 0 on; larger than kNoLimit reads as kNoLimit.
  Status Count(const char* field, std::optional<int64_t>* out) const {
    const json* value = Find(field);
    if (value == nullptr) return OkStatus();
    if (!value->is_number() || value->get<double>() < 0) return WrongType(field, "a whole number from 0 on");
    *out = value->get<double>() >= static_cast<double>(kNoLimit) ? kNoLimit : value->get<int64_t>();
    return OkStatus();
  }

 private:
  std::string path_;
  json root_;
};

// What the network is in: an ONNX model, else weights.
Status FindNetwork(const fs::path& folder, ModelFolder* model) {
  std::string looked_for;
  std::error_code ignored;
  for (std::string_view name : kOnnxFiles) {
    model->onnx = folder / name;
    if (fs::is_regular_file(model->onnx, ignored)) return OkStatus();
    looked_for += fmt::format("{}'{}'", looked_for.empty() ? "" : " and ", name);
  }
  model->onnx.clear();
  model->weights = Weights::Find(folder);
  if (!model->weights.empty()) return OkStatus();
  return NotFound(fmt::format("'{}' holds no ONNX model: looked for {}; and no weights: looked for {}", folder.string(),
                              looked_for, Weights::FileNames()),
                  "NO_ONNX_MODEL");
}

// label2id: {"positive": 1}.
Status ReadLabel2Id(const ConfigFile& config, ModelFolder* model) {
  const json* labels = config.Find("label2id");
  if (labels == nullptr) return OkStatus();
  if (!labels->is_object()) return config.WrongType("label2id", "an object of numbers");
  for (const auto& [name, id] : labels->items()) {
    if (!id.is_number_integer()) return config.WrongType("label2id", "an object of numbers");
    model->label_ids[name] = id.get<int64_t>();
  }
  return OkStatus();
}

// id2label: {"1": "positive"}; turned round.
Status ReadId2Label(const ConfigFile& config, ModelFolder* model) {
  const json* labels = config.Find("id2label");
  if (labels == nullptr) return OkStatus();
  if (!labels->is_object()) return config.WrongType("id2label", "an object of names by number");
  std::map<std::string, int64_t> ids;
  for (const auto& [key, name] : labels->items()) {
    int64_t id = 0;
    auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || !name.is_string()) {
      return config.WrongType("id2label", "an object of names by number");
    }
    ids[name.get<std::string>()] = id;
  }
  model->labels = static_cast<int64_t>(labels->size());
  if (model->label_ids.empty()) {
    model->label_ids = std::move(ids);
  } else if (model->label_ids != ids) {
    model->guesses.push_back("config.json: label2id and id2label differ; label2id is used");
  }
  return OkStatus();
}

Status ReadLabels(const ConfigFile& config, ModelFolder* model) {
  NS_RETURN_IF_ERROR(ReadLabel2Id(config, model));
  NS_RETURN_IF_ERROR(ReadId2Label(config, model));
  if (model->labels == 0) model->labels = static_cast<int64_t>(model->label_ids.size());
  std::optional<int64_t> told;
  NS_RETURN_IF_ERROR(config.Count("num_labels", &told));
  if (model->labels == 0) model->labels = told.value_or(0);
  return OkStatus();
}

Status GuessTask(const ConfigFile& config, ModelFolder* model) {
  std::string problem;
  NS_RETURN_IF_ERROR(config.String("problem_type", &problem));
  for (const std::string& architecture : model->architectures) {
    for (const TaskEntry& entry : kTasks) {
      if (!architecture.ends_with(entry.suffix)) continue;
      model->task = entry.task;
      model->metric = entry.metric;
      bool regression = problem == "regression" || (problem.empty() && model->labels == 1);
      if (entry.task == "text-classification" && regression) model->metric = "pearson";
      if (problem == "multi_label_classification") model->metric = "";
      if (!model->metric.empty()) {
        model->guesses.push_back(
            fmt::format("architecture {}: task {}, metric {}", architecture, model->task, model->metric));
      }
      return OkStatus();
    }
  }
  return OkStatus();
}

// RoBERTa and its kin count positions from pad_token_id + 1 on, so two of max_position_embeddings are no tokens.
bool PositionsBeginAfterPadding(std::string_view model_type) {
  return model_type == "roberta" || model_type == "xlm-roberta" || model_type == "camembert" ||
         model_type == "longformer" || model_type == "mpnet";
}

Status ReadTokenizerConfig(const fs::path& folder, std::optional<int64_t> positions, ModelFolder* model) {
  if (positions && PositionsBeginAfterPadding(model->model_type)) *positions -= 2;
  model->max_length = std::max<int64_t>(positions.value_or(0), 0);
  std::error_code ignored;
  fs::path path = folder / "tokenizer_config.json";
  if (!fs::exists(path, ignored)) return OkStatus();
  NS_ASSIGN_OR_RETURN(ConfigFile config, ConfigFile::Read(path));
  std::optional<int64_t> told;
  NS_RETURN_IF_ERROR(config.Count("model_max_length", &told));
  if (told && *told > 0 && *told < kNoLimit) {
    model->max_length = model->max_length > 0 ? std::min(model->max_length, *told) : *told;
  }
  std::string side;
  NS_RETURN_IF_ERROR(config.String("padding_side", &side));
  if (side == "left") model->pad_side = TokenizerOptions::PadSide::kLeft;
  if (side == "right") model->pad_side = TokenizerOptions::PadSide::kRight;
  return OkStatus();
}

}  // namespace

bool LooksLikeModelFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / "config.json", ignored);
}

Result<ModelFolder> OpenModelFolder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return NotFound(fmt::format("'{}' is no folder", folder.string()), "FILE_NOT_FOUND");
  }
  ModelFolder model;
  model.folder = folder;
  NS_RETURN_IF_ERROR(FindNetwork(folder, &model));
  if (!LooksLikeModelFolder(folder)) {
    return NotFound(fmt::format("'{}' is no model folder: looked for 'config.json'", folder.string()), "NO_CONFIG");
  }
  NS_ASSIGN_OR_RETURN(ConfigFile config, ConfigFile::Read(folder / "config.json"));
  NS_RETURN_IF_ERROR(config.String("model_type", &model.model_type));
  NS_RETURN_IF_ERROR(config.Strings("architectures", &model.architectures));
  NS_RETURN_IF_ERROR(config.Count("pad_token_id", &model.pad_id));
  NS_RETURN_IF_ERROR(ReadLabels(config, &model));
  NS_RETURN_IF_ERROR(GuessTask(config, &model));
  std::optional<int64_t> positions;
  NS_RETURN_IF_ERROR(config.Count("max_position_embeddings", &positions));
  NS_RETURN_IF_ERROR(ReadTokenizerConfig(folder, positions, &model));
  if (fs::is_regular_file(folder / "tokenizer.json", ignored)) model.tokenizer = folder / "tokenizer.json";
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    if (fs::is_regular_file(folder / name, ignored)) model.settings.push_back(folder / name);
  }
  return model;
}

void FillDataSetOptions(const ModelFolder& model, DataSetOptions* options) {
  // The one label of a regression is no class: transformers calls it LABEL_0 all the same.
  if (options->label_ids.empty() && model.labels != 1) options->label_ids = model.label_ids;
  if (!options->tokenizer && model.tokenizer.empty()) return;
  if (!options->tokenizer) options->tokenizer.emplace();
  TokenizerOptions& tokenizer = *options->tokenizer;
  if (tokenizer.file.empty()) tokenizer.file = model.tokenizer;
  if (tokenizer.max_length == 0) tokenizer.max_length = model.max_length;
  if (!tokenizer.pad_id) tokenizer.pad_id = model.pad_id;
  if (!tokenizer.pad_side) tokenizer.pad_side = model.pad_side;
}

}  // namespace ns
