// What could be done about an operator whose quantization hurts.
#pragma once

#include <string>

#include "quantize/config.h"
#include "tasks/operator_report.h"

namespace ns {

// One sentence without its full stop: the likeliest cause as its figures show it, and the remedy. "": no harm worth a remedy (an effect of 30 dB
// and more, or, where that was not measured, an own figure of 25 dB and more). `config`: how the operator is quantized, or was when measured.
std::string AdviceFor(const OperatorReport& one, const OpConfig& config);

}  // namespace ns
