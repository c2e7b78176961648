#include "data/columns.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/names.h"

namespace ns {

namespace {

constexpr std::array<std::string_view, 15> kLabels = {"label",   "labels",  "label_name", "label_text",
                                                      "class",   "classes", "category",   "target",
                                                      "targets", "y",       "score",      "intent",
                                                      "gold_label", "is_duplicate", "quality"};

// The texts of the usual data sets (the pairs of GLUE as in transformers' run_glue.py, and common single names).
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kTexts = {{
    {"sentence1", "sentence2"},
    {"question1", "question2"},
    {"premise", "hypothesis"},
    {"question", "sentence"},
    {"question", "context"},
    {"query", "passage"},
    {"text_a", "text_b"},
    {"text1", "text2"},
    {"#1 string", "#2 string"},
    {"text", "text_pair"},
    {"text", ""},
    {"sentence", ""},
    {"content", ""},
    {"review", ""},
    {"description", ""},
    {"title", ""},
    {"tweet", ""},
    {"comment_text", ""},
}};

std::optional<size_t> FindIgnoringCase(const Table& table, std::string_view name) {
  const std::vector<std::string>& columns = table.columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    if (LowerCase(columns[i]) == name) return i;
  }
  return std::nullopt;
}

std::string Name(const Table& table, size_t column) { return Excerpt(table.columns()[column]); }

// Whether the column has another purpose already.
bool IsTold(const std::string& column, const ColumnOptions& told) {
  return column == told.text || column == told.text_pair || told.inputs.contains(column);
}

// The only column whose first rows hold nothing but names of labels.
Result<std::optional<size_t>> ColumnOfNames(const Table& table, const ColumnOptions& told,
                                            const std::map<std::string, int64_t>& label_ids) {
  std::vector<bool> possible(table.columns().size(), !label_ids.empty());
  for (size_t i = 0; i < possible.size(); ++i) possible[i] = possible[i] && !IsTold(table.columns()[i], told);
  for (int64_t row = 0; row < std::min<int64_t>(table.rows(), 10); ++row) {
    NS_ASSIGN_OR_RETURN(std::vector<Cell> cells, table.Row(row));
    for (size_t i = 0; i < cells.size(); ++i) {
      possible[i] = possible[i] && cells[i].kind == Cell::Kind::kText && label_ids.contains(cells[i].text);
    }
  }
  if (std::count(possible.begin(), possible.end(), true) != 1) return std::optional<size_t>();
  return std::optional<size_t>(std::find(possible.begin(), possible.end(), true) - possible.begin());
}

std::optional<TextColumns> GuessText(const Table& table, std::optional<size_t> label) {
  for (auto [first, second] : kTexts) {
    std::optional<size_t> text = FindIgnoringCase(table, first);
    std::optional<size_t> pair = second.empty() ? std::nullopt : FindIgnoringCase(table, second);
    if (!text || text == label || (!second.empty() && (!pair || pair == label))) continue;
    return TextColumns{*text, pair};
  }
  std::vector<size_t> rest;
  for (size_t i = 0; i < table.columns().size(); ++i) {
    if (label != i && !IsRowNumber(table.columns()[i])) rest.push_back(i);
  }
  if (rest.size() == 1) return TextColumns{rest[0], std::nullopt};
  return std::nullopt;
}

}  // namespace

bool IsRowNumber(std::string_view column) {
  std::string name = LowerCase(column);
  return name.empty() || name == "id" || name == "idx" || name == "index";
}

Result<std::optional<size_t>> ChooseLabelColumn(const Table& table, const ColumnOptions& told,
                                                const std::map<std::string, int64_t>& label_ids,
                                                std::vector<std::string>* guesses) {
  if (!told.label.empty()) {
    Result<size_t> column = table.Column(told.label);
    if (!column.ok()) return column.status().WithContext("label").WithField("columns.label");
    return std::optional<size_t>(*column);
  }
  for (std::string_view name : kLabels) {
    std::optional<size_t> column = FindIgnoringCase(table, name);
    if (!column || IsTold(table.columns()[*column], told)) continue;
    guesses->push_back(fmt::format("column '{}' taken as the label", Name(table, *column)));
    return column;
  }
  NS_ASSIGN_OR_RETURN(std::optional<size_t> named, ColumnOfNames(table, told, label_ids));
  if (named) {
    guesses->push_back(
        fmt::format("column '{}' taken as the label: it holds the model's label names", Name(table, *named)));
  }
  return named;
}

Result<TextColumns> ChooseTextColumns(const Table& table, const ColumnOptions& told, std::optional<size_t> label,
                                      std::vector<std::string>* guesses) {
  if (!told.text.empty()) {
    TextColumns chosen;
    Result<size_t> text = table.Column(told.text);
    if (!text.ok()) return text.status().WithContext("text").WithField("columns.text");
    chosen.text = *text;
    if (told.text_pair.empty()) return chosen;
    Result<size_t> pair = table.Column(told.text_pair);
    if (!pair.ok()) return pair.status().WithContext("text pair").WithField("columns.text_pair");
    chosen.pair = *pair;
    return chosen;
  }
  if (!told.text_pair.empty()) {
    return InvalidArgument("a column for the second text is told, none for the first", "MISSING_COLUMN",
                           "columns.text");
  }
  std::optional<TextColumns> guess = GuessText(table, label);
  if (!guess) {
    return InvalidArgument(
        fmt::format(
            "which column is the text? The data set has {}; expected are text, sentence, sentence1 and sentence2, "
            "question and context or the like, or the name of the column in 'columns'",
            ListNames(table.columns())),
        "MISSING_COLUMN", "columns.text");
  }
  if (guess->pair) {
    guesses->push_back(fmt::format("columns '{}' and '{}' taken as a pair of texts", Name(table, guess->text),
                                   Name(table, *guess->pair)));
  } else {
    guesses->push_back(fmt::format("column '{}' taken as the text", Name(table, guess->text)));
  }
  return *guess;
}

}  // namespace ns
