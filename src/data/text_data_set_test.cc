#include "data/text_data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using testing::Input;
using testing::Values;

std::vector<TensorSpec> Bert(int64_t batch = -1, int64_t length = -1, DType dtype = DType::kInt64) {
  return {Input("input_ids", dtype, {batch, length}), Input("attention_mask", dtype, {batch, length}),
          Input("token_type_ids", dtype, {batch, length})};
}

class TextDataSetTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<DataSet>> Open(const std::string& name, std::string_view content,
                                        const std::vector<TensorSpec>& inputs = Bert()) {
    options_.path = folder_.Write(name, content);
    if (!options_.tokenizer) options_.tokenizer.emplace();
    options_.tokenizer->file = folder_.Write("tokenizer.json", tokenizer_);
    return OpenDataSet(options_, inputs);
  }
  Batch Read(const DataSet& set, std::vector<int64_t> rows) {
    Result<Batch> batch = set.Read(rows);
    EXPECT_TRUE(batch.ok()) << batch.status().message();
    return batch.value_or({});
  }

  Folder folder_;
  std::string tokenizer_ = testing::TokenizerJson();
  DataSetOptions options_;
};

TEST_F(TextDataSetTest, PadsToTheLongestRowOfTheBatch) {
  options_.label_ids = {{"good", 1}, {"bad", 0}};
  auto set = Open("d.tsv", "text\tlabel\na b c\tgood\nd\tbad\nb\tgood\n").value();
  EXPECT_EQ(set->rows(), 3);
  EXPECT_THAT(set->guesses(), ElementsAre("column 'label' taken as the label", "column 'text' taken as the text"));
  Batch batch = Read(*set, {1, 0});
  EXPECT_EQ(batch.inputs.at("input_ids").shape(), (Shape{2, 5}));
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("input_ids")), ElementsAre(2, 7, 3, 0, 0, 2, 4, 5, 6, 3));
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("attention_mask")), ElementsAre(1, 1, 1, 0, 0, 1, 1, 1, 1, 1));
  EXPECT_THAT(Values<int64_t>(*batch.labels), ElementsAre(0, 1));
  EXPECT_EQ(Read(*set, {1, 2}).inputs.at("input_ids").shape(), (Shape{2, 3}));
}

// Heads and rows as in the files that GLUE's tasks are downloaded as.
TEST_F(TextDataSetTest, ReadsGluesOwnFiles) {
  struct File {
    const char* name;
    std::string content;
    std::vector<std::string> guesses;
    std::vector<int64_t> labels;
  };
  const File files[] = {
      {"sst2.tsv", "sentence\tlabel\na b \t1\nc\t0\n", {"column 'label' taken as the label", "column 'sentence' taken as the text"}, {1, 0}},
      {"cola.tsv", "gj04\t1\t\ta b .\ngj04\t0\t*\tc .\n",
       {"no header: columns as in GLUE's CoLA (source, label, mark, sentence)", "column 'label' taken as the label", "column 'sentence' taken as the text"}, {1, 0}},
      {"mrpc.tsv", "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1355540\t1355592\ta \" b\tc\n0\t1\t2\td\ta\n",
       {"column 'Quality' taken as the label", "columns '#1 String' and '#2 String' taken as a pair of texts"}, {1, 0}},
      {"qqp.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t0\n",
       {"column 'is_duplicate' taken as the label", "columns 'question1' and 'question2' taken as a pair of texts"}, {0}},
  };
  for (const File& file : files) {
    auto set = Open(file.name, file.content).value();
    EXPECT_EQ(set->guesses(), file.guesses) << file.name;
    std::vector<int64_t> rows(file.labels.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
    EXPECT_EQ(Values<int64_t>(*Read(*set, rows).labels), file.labels) << file.name;
  }
}

TEST_F(TextDataSetTest, LabelsOfMnliFindTheirClasses) {
  const char* content = "index\tpromptID\tpairID\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n"
                        "0\t1\t1a\tx\ta\tb\tneutral\tneutral\n1\t2\t2a\tx\tc\td\tentailment\tentailment\n2\t3\t3a\tx\ta\td\tneutral\tcontradiction\n";
  options_.label_ids = {{"LABEL_0", 0}, {"LABEL_1", 1}, {"LABEL_2", 2}};
  auto set = Open("mnli.tsv", content).value();
  EXPECT_THAT(set->guesses(), ::testing::Contains("the model's labels have no names: 'entailment', 'neutral', 'contradiction' taken as its classes 0 to 2"));
  EXPECT_THAT(Values<int64_t>(*Read(*set, {0, 1, 2}).labels), ElementsAre(1, 0, 2));
  options_.label_ids = {{"CONTRADICTION", 0}, {"NEUTRAL", 1}, {"ENTAILMENT", 2}};
  auto other = Open("mnli.tsv", content).value();
  EXPECT_THAT(other->guesses(), ::testing::Contains("the data writes the model's label names in another case"));
  EXPECT_THAT(Values<int64_t>(*Read(*other, {0, 1, 2}).labels), ElementsAre(1, 2, 0));
}

TEST_F(TextDataSetTest, NamesOfOtherLabelsAreNotTaken) {
  options_.label_ids = {{"LABEL_0", 0}, {"LABEL_1", 1}};
  EXPECT_EQ(Open("d.tsv", "text\tlabel\na\tx\nb\ty\nc\tz\n").status().reason(), "UNKNOWN_LABEL");
  options_.label_ids = {{"good", 0}, {"bad", 1}};
  EXPECT_EQ(Open("d.tsv", "text\tlabel\na\tx\nb\ty\n").status().reason(), "UNKNOWN_LABEL");
}

TEST_F(TextDataSetTest, ParquetIsRefusedWithTheRemedy) {
  Status status = Open("d.parquet", "PAR1").status();
  EXPECT_EQ(status.reason(), "UNSUPPORTED_FORMAT");
  EXPECT_THAT(status.message(), HasSubstr("to_json('d.jsonl'"));
}

TEST_F(TextDataSetTest, APairHasTypesAndTheModelsOwnIntegerType) {
  auto set = Open("d.csv", "idx,sentence1,sentence2,label\n0,a b,c,1\n", Bert(-1, -1, DType::kInt32)).value();
  EXPECT_THAT(set->guesses(), ElementsAre("column 'label' taken as the label",
                                          "columns 'sentence1' and 'sentence2' taken as a pair of texts"));
  Batch batch = Read(*set, {0});
  EXPECT_THAT(Values<int32_t>(batch.inputs.at("input_ids")), ElementsAre(2, 4, 5, 3, 6, 3));
  EXPECT_THAT(Values<int32_t>(batch.inputs.at("token_type_ids")), ElementsAre(0, 0, 0, 0, 1, 1));
}

TEST_F(TextDataSetTest, AFixedShapeIsFilledUpAndCut) {
  auto set = Open("d.csv", "text\na b c d\na\n", Bert(3, 4)).value();
  EXPECT_EQ(set->fixed_batch(), 3);
  EXPECT_FALSE(set->has_labels());
  Batch batch = Read(*set, {0, 1});
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("input_ids")), ElementsAre(2, 4, 5, 3, 2, 4, 3, 0, 2, 4, 3, 0));
}

TEST_F(TextDataSetTest, LongTextIsCutToMaxLength) {
  options_.tokenizer.emplace();
  options_.tokenizer->max_length = 4;
  auto set = Open("d.csv", "text\na b c d\n").value();
  EXPECT_THAT(Values<int64_t>(Read(*set, {0}).inputs.at("input_ids")), ElementsAre(2, 4, 5, 3));
}

TEST_F(TextDataSetTest, PaddingIsWhatTheOptionsSay) {
  options_.tokenizer.emplace();
  options_.tokenizer->pad_id = 9;
  options_.tokenizer->pad_type_id = 8;
  options_.tokenizer->pad_side = TokenizerOptions::PadSide::kLeft;
  std::vector<TensorSpec> inputs = Bert();
  inputs.push_back(Input("position_ids", DType::kInt64, {-1, -1}));
  auto set = Open("d.csv", "text\na\na b\n", inputs).value();
  Batch batch = Read(*set, {0, 1});
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("input_ids")), ElementsAre(9, 2, 4, 3, 2, 4, 5, 3));
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("token_type_ids")), ElementsAre(8, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("attention_mask")), ElementsAre(0, 1, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(Values<int64_t>(batch.inputs.at("position_ids")), ElementsAre(0, 0, 1, 2, 0, 1, 2, 3));
}

TEST_F(TextDataSetTest, AnUnknownLabelIsToldWithRowAndKnownOnes) {
  options_.label_ids = {{"good", 1}, {"bad", 0}};
  Status status = Open("d.csv", "text,label\na,good\nb,ugly\n").status();
  EXPECT_EQ(status.reason(), "UNKNOWN_LABEL");
  EXPECT_THAT(
      status.message(),
      HasSubstr("row 1 (line 3), column 'label': label 'ugly' is not known; the model's labels are 'bad', 'good'"));
  EXPECT_EQ(Open("d.csv", "text,label\na,1\nb,2\n").status().reason(), "UNKNOWN_LABEL");
  auto numbers = Open("d.csv", "text,label\na,1\nb,0\n").value();
  EXPECT_THAT(Values<int64_t>(*Read(*numbers, {0, 1}).labels), ElementsAre(1, 0));
}

TEST_F(TextDataSetTest, LabelsWithoutNamesAreNumbers) {
  auto regression = Open("d.csv", "text,score\na,1\nb,2.5\n").value();
  EXPECT_THAT(Values<float>(*Read(*regression, {0, 1}).labels), ElementsAre(1, 2.5f));
  Status status = Open("d.csv", "text,label\na,good\n").status();
  EXPECT_EQ(status.reason(), "BAD_VALUE");
  EXPECT_THAT(status.message(),
              HasSubstr("row 0 (line 2), column 'label': 'good' is no number, and the model tells no label names"));
  EXPECT_THAT(Open("d.csv", "text,label\na,\n").status().message(), HasSubstr("the label is missing"));
}

TEST_F(TextDataSetTest, TokenLabelsOfJsonlAreArrays) {
  options_.label_ids = {{"O", 0}, {"B", 1}};
  auto set = Open("d.jsonl", "{\"text\": \"a b\", \"labels\": [-100, 0, 1]}\n").value();
  EXPECT_EQ(Read(*set, {0}).labels->shape(), (Shape{1, 3}));
  EXPECT_EQ(Open("d.jsonl", "{\"text\": \"a b\", \"labels\": [2]}\n").status().reason(), "UNKNOWN_LABEL");
  EXPECT_THAT(
      Open("d.jsonl", "{\"text\": \"a\", \"labels\": [1]}\n{\"text\": \"a\", \"labels\": [1, 1]}\n").status().message(),
      HasSubstr("row 1 (line 2), column 'labels': the label has shape [2], in the first row it has [1]"));
}

TEST_F(TextDataSetTest, TheTextIsToldGuessedOrAskedFor) {
  options_.columns.text = "b";
  EXPECT_TRUE(Open("d.csv", "a,b\nx,y\n").ok());
  options_.columns.text = "c";
  Status status = Open("d.csv", "a,b\nx,y\n").status();
  EXPECT_THAT(status.message(), HasSubstr("text: no column 'c'; the data set has 'a', 'b'"));
  EXPECT_EQ(status.field(), "columns.text");
  options_.columns.text = "";
  EXPECT_THAT(Open("d.csv", "a,b\nx,y\n").status().message(),
              HasSubstr("which column is the text? The data set has 'a', 'b'; expected are text, sentence"));
  EXPECT_THAT(Open("d.csv", "id,Synopsis,Label\n1,y,1\n").value()->guesses(),
              ElementsAre("column 'Label' taken as the label", "column 'Synopsis' taken as the text"));
}

TEST_F(TextDataSetTest, AColumnOfLabelNamesIsTheLabelWhateverItIsCalled) {
  options_.label_ids = {{"doc", 1}, {"net", 0}};
  auto set = Open("d.tsv", "synopsis\tsection\na b\tnet\nb\tdoc\n").value();
  EXPECT_THAT(set->guesses(), ElementsAre("column 'section' taken as the label: it holds the model's label names",
                                          "column 'synopsis' taken as the text"));
  EXPECT_THAT(Values<int64_t>(*Read(*set, {0, 1}).labels), ElementsAre(0, 1));
  auto two = Open("d.tsv", "text\tsection\tother\na b\tnet\tdoc\n").value();
  EXPECT_FALSE(two->has_labels());
}

TEST_F(TextDataSetTest, LabelsThatAMetricNeedsButAreNotThereAreAnError) {
  options_.labels = DataSetOptions::Labels::kRequired;
  Status status = Open("d.csv", "text\na\n").status();
  EXPECT_EQ(status.reason(), "NO_LABELS");
  EXPECT_THAT(status.message(),
              HasSubstr("no labels: a column 'label' is needed, or its name in 'columns'; found are 'text'"));
}

TEST_F(TextDataSetTest, InputsThatNoTokenizerMakesAreNamed) {
  Status status = Open("d.csv", "text\na\n", {Input("pixel_values", DType::kFloat, {-1, 3})}).status();
  EXPECT_EQ(status.reason(), "MISSING_COLUMN");
  EXPECT_THAT(status.message(),
              HasSubstr("the model's input 'pixel_values' (float32 [?,3]) is none that a tokenizer makes"));
  options_.columns.inputs = {{"input_ids", "input.1"}};
  auto set = Open("d.csv", "text\na\n", {Input("input.1", DType::kInt64, {-1, -1})});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(Values<int64_t>(Read(**set, {0}).inputs.at("input.1")), ElementsAre(2, 4, 3));
}

TEST_F(TextDataSetTest, InputsOfOtherShapesOrTypesAreRefused) {
  EXPECT_EQ(Open("d.csv", "text\na\n", {Input("input_ids", DType::kInt64, {-1})}).status().reason(), "SHAPE_MISMATCH");
  EXPECT_EQ(Open("d.csv", "text\na\n", {Input("input_ids", DType::kInt64, {-1, 0})}).status().reason(),
            "SHAPE_MISMATCH");
  EXPECT_EQ(Open("d.csv", "text\na\n", {Input("input_ids", DType::kString, {-1, -1})}).status().reason(),
            "DTYPE_MISMATCH");
  EXPECT_EQ(Open("d.csv", "text\na\n", {Input("attention_mask", DType::kInt64, {-1, -1})}).status().reason(),
            "MISSING_COLUMN");
}

TEST_F(TextDataSetTest, ANumberWhereTextIsNeededIsToldWithItsRow) {
  auto set = Open("d.jsonl", "{\"text\": \"a\"}\n{\"text\": 5}\n").value();
  Status status = set->Read(std::vector<int64_t>{1}).status();
  EXPECT_EQ(status.reason(), "BAD_VALUE");
  EXPECT_EQ(status.message(), "row 1 (line 2), column 'text': text is needed");
}

TEST_F(TextDataSetTest, AFileThatIsNoTokenizerIsRefused) {
  tokenizer_ = "{}";
  EXPECT_EQ(Open("d.csv", "text\na\n").status().reason(), "BAD_TOKENIZER");
  tokenizer_ = testing::TokenizerJson();
  ASSERT_TRUE(Open("d.csv", "text\na\n").ok());
  options_.tokenizer->file = folder_.path() / "none.json";
  EXPECT_EQ(OpenDataSet(options_, Bert()).status().reason(), "FILE_NOT_FOUND");
}

TEST_F(TextDataSetTest, AMaxLengthTooSmallForTheSpecialTokensIsRefused) {
  options_.tokenizer.emplace();
  options_.tokenizer->max_length = 1;
  auto set = Open("d.csv", "text\na\n").value();
  EXPECT_EQ(set->Read(std::vector<int64_t>{0}).status().reason(), "TOKENIZATION_FAILED");
  options_.tokenizer->max_length = -1;
  EXPECT_EQ(Open("d.csv", "text\na\n").status().reason(), "BAD_VALUE");
}

}  // namespace
}  // namespace ns
