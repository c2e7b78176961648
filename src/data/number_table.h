// A table of numbers as arrays: each column feeds the model input of its name.
#pragma once

#include <memory>
#include <span>

#include "data/data_set.h"
#include "data/table.h"

namespace ns {

// Reads the columns that the model's inputs (and labels) need into memory, as ArrayDataSet takes them.
//
// A column of single numbers feeds an input of shape [rows] or [rows, 1]; in jsonl a column of arrays feeds [rows,
// ...]. When the model has one input of shape [rows, n], no column has its name, and n other columns hold numbers (n
// fixed, or any), they feed it in the table's order; that is recorded as a guess. Errors as OpenDataSet().
Result<std::unique_ptr<DataSet>> OpenNumberTable(const DataSetOptions& options,
                                                 std::span<const TensorSpec> model_inputs);

}  // namespace ns
