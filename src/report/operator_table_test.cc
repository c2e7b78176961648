#include "report/operator_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/testing/reports.h"

namespace ns {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(OperatorTableTest, IsThisText) {
  std::vector<OperatorReport> operators = ThreeOperators();
  operators[0].name = "classifier";
  EXPECT_EQ(OperatorTable(operators),
            R"(Most harm: MatMul '/encoder/layer.0/intermediate/dense/MatMul'. Quantized alone it puts 13 % noise on the outputs (18.0 dB); it takes 12.5 % of the fp32 run. One input channel reaches 64 times as far as the median one: SmoothQuant moves it into the weights.

  operator                             type     decision        effect       own    time  reads              makes
  …r/layer.0/intermediate/dense/MatMul MatMul   int8 static    18.0 dB            12.5 %  -2..62
      One input channel reaches 64 times as far as the median one: SmoothQuant moves it into the weights
  classifier                           MatMul   float          35.0 dB   31.5 dB  25.0 %
  pool                                 MaxPool  int8 static

  effect: signal to noise of the model's outputs when it alone is quantized (40 dB: 1 % noise, 20 dB: 10 %); own: of its own output;
  time: of the fp32 run; ~: not measured alone, its part of its block's
)");
}

TEST(OperatorTableTest, SaysHowManyAreLeftOut) { EXPECT_THAT(OperatorTable(ThreeOperators(), 1), HasSubstr("  and 2 more, less harmful\n")); }

TEST(OperatorTableTest, ANameCommandsNoTerminal) {
  std::string text = OperatorTable(ThreeOperators());
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("&\"'\\x1b[2J"));
}

}  // namespace
}  // namespace ns
