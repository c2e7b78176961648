// A JSON object a line (JSON Lines). The keys of the first row are the columns; other rows may have more, which are not
// used, or lack some, whose cells are then missing.
#pragma once

#include "data/table.h"

namespace ns {

// Blank lines are skipped. A line that is not a JSON object is an error (BAD_FILE) with its line.
// Numbers and true/false are kNumbers, arrays of numbers too when they are regular (each part as long as its
// neighbours).
class JsonlTable final : public Table {
 public:
  static Result<std::unique_ptr<Table>> Open(const std::filesystem::path& path);

 protected:
  Result<std::vector<Cell>> ParseRecord(std::string_view record) const override;

 private:
  Status Scan();
};

}  // namespace ns
