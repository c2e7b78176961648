// Files that tests make: text, NumPy arrays, zip archives, a small tokenizer. Written here byte by byte, from the
// formats' descriptions and not with the code under test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "base/tensor.h"

namespace ns::testing {

// A folder that lives as long as the test.
class Folder {
 public:
  Folder();
  // Writes a file and returns its path.
  std::filesystem::path Write(const std::string& name, std::string_view content) const;
  std::filesystem::path path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

// A .npy file, format 1.0; `header` replaces the dict {'descr': …, 'fortran_order': False, 'shape': …}.
std::string Npy(std::string_view descr, std::string_view shape, std::string_view data,
                std::optional<std::string_view> header = {});

template <typename T>
std::string Bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

struct ZipFile {
  std::string name;
  std::string content;
  bool deflate = false;
  bool zip64 = false;  // sizes in the zip64 extra field
};
// A zip archive of them, in this order.
std::string Zip(const std::vector<ZipFile>& files);

// tokenizer.json: words are split at spaces; [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, a 4, b 5, c 6, d 7. A text becomes
// [CLS] … [SEP], a pair [CLS] … [SEP] … [SEP] with type 1 from the second text on.
std::string TokenizerJson();

// A spec of a model's input.
TensorSpec Input(std::string name, DType dtype, Shape shape);

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  auto values = tensor.values<T>();
  return std::vector<T>(values.begin(), values.end());
}

}  // namespace ns::testing
