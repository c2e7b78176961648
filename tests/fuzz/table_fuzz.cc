// Tables of rows: the first byte says of which kind.
#include "data/table.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static ns::FuzzFile csv("rows.csv"), tsv("rows.tsv"), jsonl("rows.jsonl");
  ns::FuzzFile& file = data[0] % 3 == 0 ? csv : data[0] % 3 == 1 ? tsv : jsonl;
  auto table = ns::OpenTable(file.Write(data + 1, size - 1));
  if (!table.ok()) return 0;
  for (int64_t row = 0; row < (*table)->rows() && row < 100; ++row) {
    auto cells = (*table)->Row(row);
    if (cells.ok()) NS_CHECK(cells->size() == (*table)->columns().size());
    (void)(*table)->Where(row);
  }
  return 0;
}
