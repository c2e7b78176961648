// Tab-separated values, plain: a header line, no quoting of any kind (as GLUE's files are).
#pragma once

#include "data/table.h"

namespace ns {

// Lines may end in LF or CRLF; blank lines are skipped. Rows with more or fewer fields than the header are errors
// (RAGGED_ROW).
class TsvTable final : public Table {
 public:
  static Result<std::unique_ptr<Table>> Open(const std::filesystem::path& path);

 protected:
  Result<std::vector<Cell>> ParseRecord(std::string_view record) const override;

 private:
  Status Scan();
};

}  // namespace ns
