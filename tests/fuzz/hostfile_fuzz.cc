// Hostfiles.
#include "fuzz_file.h"
#include "schedule/hostfile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto nodes = ns::ParseHostfile(ns::FuzzText(data, size), "hosts");
  if (nodes.ok()) NS_CHECK(!nodes->empty());
  return 0;
}
