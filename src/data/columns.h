// Which column of a table is the text, the second text, the label: told, or guessed by the usual names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/data_set.h"
#include "data/table.h"

namespace ns {

struct TextColumns {
  size_t text = 0;
  std::optional<size_t> pair;
};

// The label's column: the one told (MISSING_COLUMN when it isn't there), or label, labels, class, target, ... in any
// case, unless it is told to be something else, or the only column whose first rows hold names of `label_ids`; none
// else. A guess is appended to `guesses`.
Result<std::optional<size_t>> ChooseLabelColumn(const Table& table, const ColumnOptions& told,
                                                const std::map<std::string, int64_t>& label_ids,
                                                std::vector<std::string>* guesses);

// The text, or the texts of a pair: those told, or the first of the usual names (sentence1 and sentence2, question and
// context, premise and hypothesis, ..., text, sentence, review, ...), or the only column that isn't `label` or a row
// number (id, idx, index, no name). InvalidArgument (MISSING_COLUMN): what was found and what was expected.
Result<TextColumns> ChooseTextColumns(const Table& table, const ColumnOptions& told, std::optional<size_t> label,
                                      std::vector<std::string>* guesses);

// Whether a column of that name only counts rows: id, idx, index, or no name at all.
bool IsRowNumber(std::string_view column);

}  // namespace ns
