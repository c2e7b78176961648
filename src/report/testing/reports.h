// A report for the tests of its pictures.
#pragma once

#include "tasks/report.h"

namespace ns {

// Three operators: one that hurts, in int8; one kept in float, with a hostile name; one that nothing was measured of.
inline std::vector<OperatorReport> ThreeOperators() {
  std::vector<OperatorReport> all(3);
  all[0].name = "<script>alert(1)</script>&\"'\x1b[2J";
  all[0].type = "MatMul";
  all[0].decision = "float";
  all[0].why = "kept in float by the configuration";
  all[0].effect_db = 35;
  all[0].sqnr_db = 31.5;
  all[0].float_latency_share = 0.25;
  all[1].name = "/encoder/layer.0/intermediate/dense/MatMul";
  all[1].type = "MatMul";
  all[1].decision = "int8 static";
  all[1].why = "int8 kernel, float output";
  all[1].effect_db = 18;
  all[1].float_latency_share = 0.125;
  all[1].input.emplace();
  all[1].input->value = "x";
  all[1].input->min = -2;
  all[1].input->max = 62;
  all[1].input->low = -2;
  all[1].input->high = 30;
  all[1].input->calibration = "percentile";
  all[1].input->histogram = HistogramReport{-4, 4, {3, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  all[1].weight = WeightReport{0.75, 64, 3.5};
  all[1].advice = "One input channel reaches 64 times as far as the median one: SmoothQuant moves it into the weights";
  all[2].name = "pool";
  all[2].type = "MaxPool";
  all[2].decision = "int8 static";
  return all;
}

}  // namespace ns
