// Comma-separated values as RFC 4180 has them: a header line, fields in quotes may hold commas, line breaks and doubled
// quotes.
#pragma once

#include "data/table.h"

namespace ns {

// Lines may end in LF or CRLF; blank lines are skipped. A quote inside a field without quotes, text after a closing
// quote and a quote that is never closed are errors (BAD_FILE), as are rows with more or fewer fields than the header
// (RAGGED_ROW), each with its line.
class CsvTable final : public Table {
 public:
  static Result<std::unique_ptr<Table>> Open(const std::filesystem::path& path);

 protected:
  Result<std::vector<Cell>> ParseRecord(std::string_view record) const override;

 private:
  Status Scan();
};

}  // namespace ns
