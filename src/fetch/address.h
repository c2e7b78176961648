// Addresses ("https://host/path/model.onnx") as users give them.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "fetch/address_rules.h"

namespace ns {

struct Address {
  std::string url;   // as it is asked for: normalized, a GitHub page address turned into the raw file's
  std::string host;  // without brackets
  std::string origin;  // "https://host:443": scheme, host and port
  std::string path;  // decoded: "/path/model.onnx"
};

// By the parser that the download uses too, so that both see the same host. InvalidArgument: BAD_ADDRESS (not an address, a control
// character, more than 8 KiB), BAD_SCHEME (neither http nor https), PRIVATE_ADDRESS (a literal address that `rules` refuse).
Result<Address> ParseAddress(std::string_view text, const AddressRules& rules);

// The address without user name, password, query and fragment, which may hold secrets: for logs and messages.
std::string ShownAddress(std::string_view url);

// The last part of a path as a safe file name: letters, digits, '.', '_', '-', at most 120 characters, no leading dot; "file" when nothing
// is left.
std::string SafeFileName(std::string_view path);

}  // namespace ns
