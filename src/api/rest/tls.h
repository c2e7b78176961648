// The certificate and key that the server shows.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <memory>

#include "base/status.h"

namespace ns {

// TLS 1.2 and later. `certificate`: PEM, the service's own first, then its issuers; `key`: its private key, PEM, without a passphrase.
// InvalidArgument (BAD_CERTIFICATE, BAD_KEY) names the file and says what is wrong with it.
Result<std::shared_ptr<boost::asio::ssl::context>> LoadTls(const std::filesystem::path& certificate, const std::filesystem::path& key);

}  // namespace ns
