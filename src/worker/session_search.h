// Which settings of ONNX Runtime's session run a model fastest on these cores. They change no accuracy but for the optimization level of
// the graph, which may round otherwise: what it wins with must be evaluated.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <stop_token>

#include "base/progress.h"
#include "base/status.h"
#include "runtime/session.h"
#include "runtime/timing.h"
#include "tasks/session_settings.h"
#include "worker/latency.h"

namespace ns {

// How we run a model unless told otherwise: the threads of `run`, waiting asleep, with an arena, all optimizations.
SessionSettings UsualSettings(const LatencyRun& run);
// Session options that measure as `run` says, with these settings.
SessionOptions TimedSession(const LatencyRun& run, const SessionSettings& settings);

struct SessionSearch {
  LatencyRun latency;
  bool fixed_threads = false;    // who asks said how many
  double budget_seconds = 3;     // of measuring
};

// The usual settings first, then each with one thing changed.
std::vector<SessionSettings> SessionCandidates(const SessionSearch& search);

struct FoundSettings {
  SessionSettings settings;
  LatencyRatio gain;  // over the usual ones
};

// Times the candidates interleaved; what is sure to gain 2 % (the low end of its 95 % interval) is taken, and where several things do, all of
// them together if that gains more. The usual settings where nothing does, or where a run takes so long that finding out would take minutes.
// Errors of Session::FromFile() and MeasureLatency().
Result<FoundSettings> FindSessionSettings(const std::filesystem::path& model, std::span<const NamedTensors> rows, const SessionSearch& search,
                                          ProgressSink& progress, std::stop_token stop);

}  // namespace ns
