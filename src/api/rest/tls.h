// The certificate and key that the server shows.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <memory>
#include <string>

#include "base/status.h"

namespace ns {

// TLS 1.2 and later. `certificate`: PEM, the service's own first, then its issuers; `key`: its private key, PEM, without a passphrase.
// InvalidArgument (BAD_CERTIFICATE, BAD_KEY) names the file and says what is wrong with it.
Result<std::shared_ptr<boost::asio::ssl::context>> LoadTls(const std::filesystem::path& certificate, const std::filesystem::path& key);

// "sha256//BASE64" of the certificate's public key, as libcurl pins it: a client that reads it from a file of the service's own knows the
// service by it, whoever signed the certificate. InvalidArgument (BAD_CERTIFICATE).
Result<std::string> PublicKeyPin(const std::filesystem::path& certificate);

}  // namespace ns
