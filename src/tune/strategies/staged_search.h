// The stages of `basic` and `mse`, which differ only in how they judge an operator's harm.
//
// They follow Intel Neural Compressor's, but a stage that compares many configurations compares the outputs of their models with
// fp32's on a few rows (a probe), and only what that finds to be better is evaluated:
//
//    I   All operators in their usual treatment, static where allowed.
//    II  All recipes together.                       Evaluated if its outputs are at least 1 dB nearer than those of I.
//   III  Operator type by operator type each other treatment (calibration, granularity) of the same mode; of each type the best
//        one, together.                              Evaluated if 1 dB nearer than what was evaluated.
//        Then all in dynamic form, where both are allowed.
//    IV  On the nearest configuration so far each recipe alone; the best one.            Evaluated if 1 dB nearer.
//    V   On that configuration each operator's harm: one ranking, instead of one evaluation an operator.
//    VI  The most harmful ones given up together: 1, 2, 4, 8, ... until the accuracy is held, then the gap is halved
//        (LeastThatHolds()), instead of one more at a time.
//
// I to III end with the first that holds the accuracy in static form: nothing is faster but the dynamic form, which is evaluated in any
// case. IV to VI are done for the nearest configuration of either mode that missed it, so that a dynamic model that holds is not
// the end where a repaired static one promises more (the session begins no evaluation that doesn't). At most 4
// evaluations, and 2 + 2 ceil(log2(n)) for each mode that is repaired, where one for each of n operators and more were needed.
#pragma once

#include "tune/strategies/fallback.h"

namespace ns {

Status SearchInStages(Inquiry& ask, Impact impact);

}  // namespace ns
