// Files that people hand in by mistake, known by their first bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ns {

// What the file is and what to do, to follow "not an ONNX model but ": "a PNG image: give ...". Empty: not known to be anything else.
std::string ForeignFileKind(std::span<const std::byte> bytes);

}  // namespace ns
