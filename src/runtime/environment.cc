#include "runtime/environment.h"

#include <onnxruntime_cxx_api.h>

namespace ns {

std::string RuntimeVersion() { return Ort::GetVersionString(); }
std::string RuntimeBuild() { return Ort::GetBuildInfoString(); }

}  // namespace ns
