// Hugging Face's safetensors: a JSON header and the tensors' bytes. The format: the safetensors project's README.
#pragma once

#include <filesystem>

#include "huggingface/weights/stored_tensor.h"

namespace ns {

// The tensors of the file, which is mapped and stays so as long as one of them lives.
// NotFound; InvalidArgument (BAD_WEIGHTS), which names file and tensor: a header that is no JSON of the format, a type
// that the format doesn't have, tensors whose bytes are not as many as their shape needs, that overlap, that leave
// gaps, or that lie outside the file.
Result<StoredTensors> ReadSafetensors(const std::filesystem::path& path);

}  // namespace ns
