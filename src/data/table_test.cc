#include "data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;

Result<std::unique_ptr<Table>> Open(const std::string& name, std::string_view content) {
  static Folder folder;  // the tables' files stay mapped
  return OpenTable(folder.Write(name, content));
}
Status OpenStatus(const std::string& name, std::string_view content) { return Open(name, content).status(); }

std::vector<std::string> Texts(const Table& table, int64_t row) {
  std::vector<std::string> texts;
  Result<std::vector<Cell>> cells = table.Row(row);
  EXPECT_TRUE(cells.ok()) << cells.status().message();
  for (const Cell& cell : cells.value_or({})) texts.push_back(cell.text);
  return texts;
}

TEST(CsvTableTest, ReadsQuotedFieldsAsRfc4180HasThem) {
  auto table = Open("a.csv", "text,label\r\n\"a, \"\"b\"\"\nc\",1\r\nplain,2\r\n,\n").value();
  EXPECT_THAT(table->columns(), ElementsAre("text", "label"));
  ASSERT_EQ(table->rows(), 3);
  EXPECT_THAT(Texts(*table, 0), ElementsAre("a, \"b\"\nc", "1"));
  EXPECT_THAT(Texts(*table, 1), ElementsAre("plain", "2"));
  EXPECT_THAT(Texts(*table, 2), ElementsAre("", ""));
  EXPECT_EQ(table->Where(1), "row 1 (line 4)");
}

TEST(CsvTableTest, NeedsNoLastLineBreakAndSkipsBlankLinesAndTheByteOrderMark) {
  auto table = Open("b.csv", "\xEF\xBB\xBFtext\n\na\n\r\n\"\"\nb").value();
  EXPECT_THAT(table->columns(), ElementsAre("text"));
  ASSERT_EQ(table->rows(), 2);
  EXPECT_THAT(Texts(*table, 1), ElementsAre("b"));
}

TEST(CsvTableTest, WrongQuotesAreToldWithTheirLine) {
  EXPECT_THAT(OpenStatus("c.csv", "a,b\n1,2\n\"x,2\n").message(),
              HasSubstr("c.csv', line 3: a quote that is never closed"));
  EXPECT_THAT(OpenStatus("d.csv", "a,b\n1,x\"y\n").message(),
              HasSubstr("d.csv', line 2: a quote inside a field that does not begin with one"));
  EXPECT_THAT(OpenStatus("e.csv", "a,b\n\"1\"x,2\n").message(),
              HasSubstr("e.csv', line 2: text after a field's closing quote"));
}

TEST(CsvTableTest, RaggedRowsAreToldWithTheirLine) {
  Status status = OpenStatus("f.csv", "a,b\n\"1\n\n\",2\n1,2,3\n");
  EXPECT_EQ(status.reason(), "RAGGED_ROW");
  EXPECT_THAT(status.message(), HasSubstr("f.csv', line 5 has 3 fields, the header has 2"));
}

TEST(TsvTableTest, TakesQuotesAsTheyAre) {
  auto table = Open("a.tsv", "sentence\tlabel\nhe said \"no\tx\n\t\n").value();
  ASSERT_EQ(table->rows(), 2);
  EXPECT_THAT(Texts(*table, 0), ElementsAre("he said \"no", "x"));
  EXPECT_THAT(Texts(*table, 1), ElementsAre("", ""));
}

TEST(TsvTableTest, EndsLinesWithCrLfTooAndRefusesRaggedRows) {
  auto table = Open("b.tsv", "a\tb\r\n1\t2\r\n").value();
  EXPECT_THAT(Texts(*table, 0), ElementsAre("1", "2"));
  Status status = OpenStatus("c.tsv", "a\tb\n1\t2\n\n3\n");
  EXPECT_EQ(status.reason(), "RAGGED_ROW");
  EXPECT_THAT(status.message(), HasSubstr("line 4 has 1 fields, the header has 2"));
}

TEST(JsonlTableTest, ReadsTextNumbersAndArrays) {
  auto table = Open("a.jsonl",
                    "{\"t\": \"a\", \"n\": 2.5, \"v\": [[1, 2], [3, 4]]}\n\n{\"n\": true, \"t\": null, \"more\": 1}\n")
                   .value();
  EXPECT_THAT(table->columns(), ElementsAre("t", "n", "v"));
  ASSERT_EQ(table->rows(), 2);
  std::vector<Cell> first = table->Row(0).value();
  EXPECT_EQ(first[0].text, "a");
  EXPECT_THAT(first[1].numbers, ElementsAre(2.5));
  EXPECT_EQ(first[1].text, "2.5");
  EXPECT_THAT(first[2].numbers, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(first[2].shape, (Shape{2, 2}));
  std::vector<Cell> second = table->Row(1).value();
  EXPECT_EQ(second[0].kind, Cell::Kind::kMissing);
  EXPECT_THAT(second[1].numbers, ElementsAre(1));
  EXPECT_EQ(second[2].kind, Cell::Kind::kMissing);
}

TEST(JsonlTableTest, IrregularArraysObjectsAndHugeIntegersAreNoNumbers) {
  for (std::string_view value : {"[[1], [2, 3]]", "[1, [2]]", "[[1], 2]", "[\"a\"]", "{}", "[null]", "9007199254740993",
                                 "[[[[[[[[[1]]]]]]]]]"}) {
    auto table = Open("b.jsonl", fmt::format("{{\"v\": {}}}", value)).value();
    EXPECT_EQ(table->Row(0).value()[0].kind, Cell::Kind::kOther) << value;
  }
}

TEST(JsonlTableTest, ALineThatIsNoObjectIsToldWithItsNumber) {
  EXPECT_THAT(OpenStatus("c.jsonl", "{\"a\": 1}\n[1]\n").message(),
              HasSubstr("c.jsonl', line 2: a JSON object is needed, not array"));
  EXPECT_THAT(OpenStatus("d.jsonl", "{\"a\": 1}\n{\"a\": \n").message(), HasSubstr("d.jsonl', line 2: not JSON"));
  EXPECT_EQ(OpenStatus("e.jsonl", "{}\n").reason(), "BAD_FILE");
  std::string deep(200'000, '[');
  EXPECT_EQ(OpenStatus("f.jsonl", deep).reason(), "BAD_FILE");
}

TEST(TableTest, FilesWithoutRowsAreEmpty) {
  for (const char* name : {"n.csv", "n.tsv", "n.jsonl"}) {
    EXPECT_EQ(OpenStatus(name, "").reason(), "EMPTY_DATA_SET") << name;
    EXPECT_EQ(OpenStatus(name, "\n\n").reason(), "EMPTY_DATA_SET") << name;
  }
  EXPECT_THAT(OpenStatus("o.csv", "text,label\n").message(), HasSubstr("o.csv' has no rows"));
}

TEST(TableTest, BadUtf8IsToldWithItsLine) {
  Status status = OpenStatus("p.csv",
                             "text\ngood\nb\xFF"
                             "d\n");
  EXPECT_EQ(status.reason(), "BAD_ENCODING");
  EXPECT_THAT(status.message(), HasSubstr("p.csv', line 3: byte 0xff is not UTF-8"));
}

TEST(TableTest, ColumnsOfOneNameAreRefused) {
  EXPECT_THAT(OpenStatus("q.csv", "a,a\n1,2\n").message(), HasSubstr("q.csv', line 1: column 'a' is there twice"));
}

TEST(TableTest, AColumnThatIsNotThereListsThoseThatAre) {
  EXPECT_EQ(Open("r.csv", "a,b\n1,2\n").value()->Column("c").status().message(),
            "no column 'c'; the data set has 'a', 'b'");
}

TEST(TableTest, NumbersAreTheWholeText) {
  EXPECT_EQ(ParseNumber("-2.5e1"), -25.0);
  EXPECT_EQ(ParseNumber("+1"), 1.0);
  for (std::string_view text : {"", " 1", "1 ", "1x", "nan", "inf", "1e999", "0x10", "++1"}) {
    EXPECT_EQ(ParseNumber(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseInteger("-3"), -3);
  EXPECT_EQ(ParseInteger("3.0"), std::nullopt);
}

}  // namespace
}  // namespace ns
