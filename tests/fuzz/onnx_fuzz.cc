// ONNX files: loading, with onnx's checker.
#include "fuzz_file.h"
#include "graph/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ns::FuzzFile file("model.onnx");
  ns::LoadOptions options;
  options.max_structure_bytes = 1 << 20;
  auto model = ns::Model::Load(file.Write(data, size), options);
  if (!model.ok()) return 0;
  (void)model->inputs();
  (void)model->outputs();
  for (const std::string& name : model->WeightNames()) (void)model->Weight(name).status();
  return 0;
}
