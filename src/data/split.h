// Which rows calibrate and which evaluate. A row never does both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// Rows [begin, end).
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
};

// "0:200" → [0, 200); ":200" and "200:" as in Python, where an open end is `rows`. Negative numbers are not taken.
// InvalidArgument (BAD_ROW_RANGE): another form, an empty range, or an end beyond `rows`.
Result<RowRange> ParseRowRange(std::string_view text, int64_t rows);
// Whether the text looks like a range (digits, ':', digits) rather than like the path of a second data set.
bool LooksLikeRowRange(std::string_view text);

struct SplitOptions {
  // Rows of the evaluation data set that calibrate. None: rows are split off, chosen by a seeded shuffle.
  std::optional<RowRange> calibration_range;
  // Rows to calibrate with. None: the whole range; with a second data set the lesser of 100 and its rows; split off,
  // the lesser of 100 and a fifth of the rows (at least 1).
  std::optional<int64_t> calibration_samples;
  std::optional<int64_t> evaluation_samples;  // none: all rows that do not calibrate
  uint64_t seed = 0;                          // the same seed, rows and options choose the same rows, on every machine
};

struct Split {
  std::vector<int64_t> calibration;  // ascending; of the second data set where there is one
  std::vector<int64_t> evaluation;   // ascending
  std::vector<std::string> notes;    // what was chosen and how: "100 of 1000 rows split off for calibration (seed 0)"
};

// One data set for both. Rows of the range beyond calibration_samples are not evaluated either.
// InvalidArgument (TOO_FEW_ROWS): fewer rows than asked for, or none left on one side; says how many there are.
Result<Split> SplitRows(int64_t rows, const SplitOptions& options);

// Calibration rows from a second data set; `calibration_range`, where given, is of the second one. Errors as above.
Result<Split> SplitTwoSets(int64_t calibration_rows, int64_t evaluation_rows, const SplitOptions& options);

}  // namespace ns
