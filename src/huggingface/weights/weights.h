// The weights of a Hugging Face folder, by name, whatever files they lie in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "huggingface/weights/stored_tensor.h"

namespace ns {

class Weights {
 public:
  // Where the folder's weights lie, as transformers looks for them: model.safetensors, model.safetensors.index.json
  // (its parts beside it), pytorch_model.bin, pytorch_model.bin.index.json. Empty: nowhere.
  static std::filesystem::path Find(const std::filesystem::path& folder);
  // The four names, for messages.
  static std::string FileNames();

  // Maps the files of Find() and reads what is in them. NotFound (NO_WEIGHTS); errors of ReadSafetensors() and
  // ReadTorchFile(); InvalidArgument (BAD_WEIGHTS): an index that is damaged, names a file elsewhere, or a tensor that
  // is not where it says.
  static Result<Weights> Open(const std::filesystem::path& folder);
  explicit Weights(StoredTensors tensors) : tensors_(std::move(tensors)) {}

  // "x.LayerNorm.gamma" and ".beta", as BERT's first checkpoints have them, are found as ".weight" and ".bias", too.
  const StoredTensor* Get(std::string_view name) const;
  // Whether any name begins so.
  bool HasPrefix(std::string_view prefix) const;
  // Its elements, in float32 where they are floating-point numbers: ReadTensor(). NotFound (MISSING_WEIGHT).
  Result<Tensor> Read(std::string_view name) const;
  size_t size() const { return tensors_.size(); }
  const std::filesystem::path& file() const { return file_; }  // what Find() found

 private:
  StoredTensors tensors_;
  std::filesystem::path file_;
};

}  // namespace ns
