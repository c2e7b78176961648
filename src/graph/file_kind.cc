#include "graph/file_kind.h"

#include <algorithm>
#include <string_view>

namespace ns {
namespace {

struct Kind {
  std::string_view start;
  std::string_view what;
};

constexpr Kind kKinds[] = {
    {"\x89PNG", "a PNG image: give the path of an .onnx file"},
    {"\xff\xd8\xff", "a JPEG image: give the path of an .onnx file"},
    {"PK\x03\x04", "a zip archive (a PyTorch checkpoint or .npz?): export the model to ONNX first"},
    {"\x80\x02", "a Python pickle (a PyTorch checkpoint?): export the model to ONNX first"},
    {"\x89HDF", "an HDF5 file (a Keras model?): convert it with tf2onnx first"},
    {"\x1f\x8b", "a gzip archive: unpack it first"},
    {"GGUF", "a GGUF file: it has no ONNX graph"},
    {"version https://git-lfs", "a Git LFS pointer: run 'git lfs pull' to get the file itself"},
    {"\x93NUMPY", "a NumPy array: give the path of an .onnx file"},
};

bool LooksLikeText(std::string_view start) {
  return start.size() >= 4 && std::all_of(start.begin(), start.end(), [](unsigned char c) { return (c >= 32 && c < 127) || c == '\n' || c == '\r' || c == '\t'; });
}

}  // namespace

std::string ForeignFileKind(std::span<const std::byte> bytes) {
  std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const Kind& kind : kKinds)
    if (all.starts_with(kind.start)) return std::string(kind.what);
  if (all.size() > 8 && all.substr(4).starts_with("TFL3")) return "a TensorFlow Lite model: convert it with tf2onnx first";
  if (all.size() > 9 && all[8] == '{' && all[7] == 0) return "a safetensors file: weights without a graph; export the model to ONNX first";
  // A model begins with a small field number and a version, which no text does; 64 bytes of text are enough to be sure.
  if (LooksLikeText(all.substr(0, 64))) return "text: give the path of an .onnx file";
  return "";
}

}  // namespace ns
