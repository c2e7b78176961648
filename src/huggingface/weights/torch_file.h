// The files of PyTorch's torch.save that hold a dict of tensors (pytorch_model.bin): tensors only, nothing is run.
// Both forms are read: the zip archive (since PyTorch 1.6), and the row of pickles before it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "huggingface/weights/stored_tensor.h"

namespace ns {

// The tensors of the file, which is mapped and stays so as long as one of them lives. Tensors that share memory in
// PyTorch (tied weights) share it here. Entries of the dict that are no tensors are passed over.
// NotFound; InvalidArgument: UNSAFE_PICKLE (as Pickle::Read), BAD_WEIGHTS (damaged, or not such a file; a tensor that
// reaches beyond its storage, or is larger than its storage and than 2^20 elements). Messages name file and tensor.
Result<StoredTensors> ReadTorchFile(const std::filesystem::path& path);

// A tensor as the pickle describes it: which storage, and which of its elements.
struct PickledTensor {
  std::string name;
  DType dtype = DType::kUndefined;
  std::string storage;        // its key
  int64_t storage_count = 0;  // elements that the storage has
  int64_t offset = 0;         // of the first element
  Shape shape;
  Shape strides;
};

// The tensors of the dict that `pickle` makes, checked: every element lies within `storage_count`. Errors as above.
Result<std::vector<PickledTensor>> ReadTensorPickle(std::span<const std::byte> pickle);

}  // namespace ns
