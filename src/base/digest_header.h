// Digests that clients send with a body (RFC 9530): Content-Digest and Repr-Digest.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

// The SHA-256 of a header such as "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:" as 64 lower-case hex digits; "" when it holds
// none (other algorithms are left alone). InvalidArgument (BAD_DIGEST) when its sha-256 is not 32 bytes of base64.
Result<std::string> ParseDigestHeader(std::string_view header);

// 64 hex digits in any case, as lower case. InvalidArgument (BAD_DIGEST).
Result<std::string> ParseHexDigest(std::string_view text);

// The header's value for a SHA-256 given as 64 hex digits.
std::string DigestHeader(std::string_view sha256);

}  // namespace ns
