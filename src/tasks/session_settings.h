// How ONNX Runtime is to run a model: part of a result, because the packaged figures were measured so.
//
//   {"intra_op_threads": 2, "allow_spinning": true, "memory_arena": true, "graph_optimization": "all"}
#pragma once

#include <string>

namespace ns {

struct SessionSettings {
  int threads = 0;           // that compute one run together; 0: as many as the machine it runs on has cores for it
  bool spinning = false;     // they wait busily for the next operator
  bool memory_arena = true;  // freed activations are kept for the next run
  std::string optimization = "all";  // of the graph: none, basic, extended, all

  bool operator==(const SessionSettings&) const = default;
};

// For people who set them in ONNX Runtime: "intra_op_num_threads 2, session.intra_op.allow_spinning 1, enable_cpu_mem_arena true,
// graph_optimization_level ORT_ENABLE_ALL".
std::string SessionSettingsText(const SessionSettings& settings);

}  // namespace ns
