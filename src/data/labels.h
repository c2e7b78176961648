// The labels of a table: class names, class numbers, or target values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "data/table.h"

namespace ns {

// The column as one label a row: int64 [rows], or float32 [rows].
//
// Names when `label_ids` knows the first row's value, then every row must be one of them (UNKNOWN_LABEL: the row, its
// value, the known ones); else whole numbers (with `label_ids`, each one of its classes: UNKNOWN_LABEL), or, where one
// has a fraction and there are no `label_ids`, float32 targets. A jsonl row may hold an array of whole numbers, of the
// same length in every row: then int64 [rows, length]. InvalidArgument (BAD_VALUE): a missing value, or text where no
// names are known.
Result<Tensor> ReadLabels(const Table& table, size_t column, const std::map<std::string, int64_t>& label_ids);

// `label_ids` for names as the column writes them, where these differ from the model's in case, or where the model's are
// but numbers (LABEL_0, LABEL_1, ...: what the transformers library writes when nobody names them): then the column's
// names, if there are as many, in GLUE's order (entailment first) or else sorted. What was done is appended to
// `guesses`. In all other cases `label_ids` as they are.
Result<std::map<std::string, int64_t>> FitLabelNames(const Table& table, size_t column,
                                                     const std::map<std::string, int64_t>& label_ids,
                                                     std::vector<std::string>* guesses);

}  // namespace ns
