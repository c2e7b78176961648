#include "data/split.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace ns {

namespace {

constexpr int64_t kDefaultCalibrationSamples = 100;
constexpr int64_t kDefaultCalibrationDivisor = 5;  // at most a fifth of the rows

// SplitMix64 (Steele, Lea, Flood 2014): tiny, and the same on every machine, which std::shuffle does not promise.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound): the high half of a 128-bit product; the bias is below 2^-40 for any row count there is.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }

 private:
  uint64_t state_;
};

// Moves `count` randomly chosen elements to the front, which is then sorted; the rest is sorted too.
void ChooseToFront(std::vector<int64_t>* rows, int64_t count, SplitMix64* random) {
  for (int64_t i = 0; i < count; ++i) {
    auto other = i + static_cast<int64_t>(random->Below(rows->size() - static_cast<size_t>(i)));
    std::swap((*rows)[static_cast<size_t>(i)], (*rows)[static_cast<size_t>(other)]);
  }
  std::sort(rows->begin(), rows->begin() + count);
  std::sort(rows->begin() + count, rows->end());
}

std::vector<int64_t> Numbers(int64_t begin, int64_t end) {
  std::vector<int64_t> rows(static_cast<size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return rows;
}

Status TooFew(std::string_view what, int64_t asked, int64_t there) {
  return InvalidArgument(fmt::format("{} needs {} rows, but there are {}", what, asked, there), "TOO_FEW_ROWS");
}

// Leaves `wanted` of the rows, or all of them.
Status Keep(std::string_view what, std::optional<int64_t> wanted, std::vector<int64_t>* rows, SplitMix64* random) {
  auto there = static_cast<int64_t>(rows->size());
  if (wanted && *wanted < 1) {
    return InvalidArgument(fmt::format("{} with {} rows: at least 1 is needed", what, *wanted), "TOO_FEW_ROWS");
  }
  if (there < wanted.value_or(1)) return TooFew(what, wanted.value_or(1), there);
  if (wanted && *wanted < there) {
    ChooseToFront(rows, *wanted, random);
    rows->resize(static_cast<size_t>(*wanted));
  }
  return OkStatus();
}

Result<int64_t> ParseRow(std::string_view text, int64_t open_end, std::string_view whole) {
  if (text.empty()) return open_end;
  int64_t row = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (error != std::errc() || end != text.data() + text.size() || row < 0) {
    return InvalidArgument(fmt::format("row range '{}' is not of the form 0:200", whole), "BAD_ROW_RANGE");
  }
  return row;
}

// The calibration rows and their note, when the rows come from [0, rows) as a whole or in part.
Result<std::vector<int64_t>> CalibrationFromRange(const RowRange& range, int64_t rows, const SplitOptions& options,
                                                  SplitMix64* random, std::vector<std::string>* notes) {
  if (range.begin < 0 || range.begin >= range.end || range.end > rows) {
    return InvalidArgument(
        fmt::format("calibration rows {}:{} are not within the {} rows of the data set", range.begin, range.end, rows),
        "BAD_ROW_RANGE");
  }
  std::vector<int64_t> chosen = Numbers(range.begin, range.end);
  NS_RETURN_IF_ERROR(Keep(fmt::format("calibration from rows {}:{}", range.begin, range.end),
                          options.calibration_samples, &chosen, random));
  notes->push_back(fmt::format("calibration uses {} of the rows {}:{}", chosen.size(), range.begin, range.end));
  return chosen;
}

}  // namespace

bool LooksLikeRowRange(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() < 2) return false;
  return text.substr(0, colon).find_first_not_of("0123456789") == std::string_view::npos &&
         text.substr(colon + 1).find_first_not_of("0123456789") == std::string_view::npos;
}

Result<RowRange> ParseRowRange(std::string_view text, int64_t rows) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return InvalidArgument(fmt::format("row range '{}' is not of the form 0:200", text), "BAD_ROW_RANGE");
  }
  RowRange range;
  NS_ASSIGN_OR_RETURN(range.begin, ParseRow(text.substr(0, colon), 0, text));
  NS_ASSIGN_OR_RETURN(range.end, ParseRow(text.substr(colon + 1), rows, text));
  if (range.end > rows) {
    return InvalidArgument(fmt::format("row range '{}' ends beyond the {} rows of the data set", text, rows),
                           "BAD_ROW_RANGE");
  }
  if (range.begin >= range.end) return InvalidArgument(fmt::format("row range '{}' is empty", text), "BAD_ROW_RANGE");
  return range;
}

Result<Split> SplitRows(int64_t rows, const SplitOptions& options) {
  SplitMix64 random(options.seed);
  Split split;
  if (options.calibration_range) {
    const RowRange& range = *options.calibration_range;
    NS_ASSIGN_OR_RETURN(split.calibration, CalibrationFromRange(range, rows, options, &random, &split.notes));
    split.evaluation = Numbers(0, range.begin);
    std::vector<int64_t> after = Numbers(range.end, rows);
    split.evaluation.insert(split.evaluation.end(), after.begin(), after.end());
  } else {
    if (rows < 2) return TooFew("splitting calibration rows off", 2, rows);
    int64_t automatic = std::clamp<int64_t>(rows / kDefaultCalibrationDivisor, 1, kDefaultCalibrationSamples);
    int64_t wanted = options.calibration_samples.value_or(automatic);
    if (wanted < 1) {
      return InvalidArgument(fmt::format("calibration with {} rows: at least 1 is needed", wanted), "TOO_FEW_ROWS");
    }
    if (wanted >= rows) {
      return TooFew(fmt::format("calibration with {} rows, and evaluation with at least one other,", wanted),
                    wanted + 1, rows);
    }
    std::vector<int64_t> all = Numbers(0, rows);
    ChooseToFront(&all, wanted, &random);
    split.calibration.assign(all.begin(), all.begin() + wanted);
    split.evaluation.assign(all.begin() + wanted, all.end());
    split.notes.push_back(fmt::format("{} of {} rows split off for calibration (seed {})", wanted, rows, options.seed));
  }
  NS_RETURN_IF_ERROR(
      Keep("evaluation, on rows that do not calibrate,", options.evaluation_samples, &split.evaluation, &random));
  return split;
}

Result<Split> SplitTwoSets(int64_t calibration_rows, int64_t evaluation_rows, const SplitOptions& options) {
  SplitMix64 random(options.seed);
  Split split;
  if (options.calibration_range) {
    NS_ASSIGN_OR_RETURN(split.calibration, CalibrationFromRange(*options.calibration_range, calibration_rows, options,
                                                                &random, &split.notes));
  } else {
    split.calibration = Numbers(0, calibration_rows);
    int64_t wanted = options.calibration_samples.value_or(std::min(kDefaultCalibrationSamples, calibration_rows));
    if (calibration_rows == 0) return TooFew("calibration", 1, 0);
    NS_RETURN_IF_ERROR(Keep("calibration", wanted, &split.calibration, &random));
    split.notes.push_back(fmt::format("{} of the {} rows of the calibration data used (seed {})", wanted,
                                      calibration_rows, options.seed));
  }
  split.evaluation = Numbers(0, evaluation_rows);
  NS_RETURN_IF_ERROR(Keep("evaluation", options.evaluation_samples, &split.evaluation, &random));
  return split;
}

}  // namespace ns
