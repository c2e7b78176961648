// Files of weights that tests make, byte by byte, from the formats' descriptions and not with the code under test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "huggingface/weights/stored_tensor.h"

namespace ns::testing {

// The header's length, the header, the data.
std::string Safetensors(std::string_view header, std::string_view data);

// ---- pieces of a pickle ----
std::string PickledText(std::string_view text);
std::string PickledInt(int64_t value);
std::string PickledInts(const std::vector<int64_t>& values);  // a tuple
std::string PickledTuple(const std::vector<std::string>& items);
std::string PickledGlobal(std::string_view module, std::string_view name);
// torch's persistent id: ('storage', torch.<type>, key, 'cpu', count).
std::string PickledStorage(std::string_view type, std::string_view key, int64_t count);
std::string PickledTensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                          const std::vector<int64_t>& strides);
// An OrderedDict with attributes, as state_dict() returns.
std::string PickledStateDict(const std::vector<std::pair<std::string, std::string>>& items);
// The whole pickle.
std::string PickleOf(const std::string& value);

// torch.save's archive; storages by key.
std::string TorchArchive(const std::string& pickle, const std::map<std::string, std::string>& storages);
// Its form before PyTorch 1.6; the elements have `element_size` bytes.
std::string OldTorchFile(const std::string& pickle, const std::map<std::string, std::string>& storages,
                         size_t element_size);

// A float32 tensor in memory with the values 0, step, 2·step, ...
StoredTensor Counting(Shape shape, float step = 0.01f);

}  // namespace ns::testing
