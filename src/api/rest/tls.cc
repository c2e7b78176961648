#include "api/rest/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <array>

#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;
namespace ssl = boost::asio::ssl;

namespace {

Status Readable(const fs::path& file, const char* option, const char* reason) {
  auto text = ReadFile(file, 1 << 20);
  if (text.ok()) return OkStatus();
  return InvalidArgument(fmt::format("{} '{}' cannot be read: {}", option, file.string(), text.status().message()), reason);
}

}  // namespace

Result<std::shared_ptr<ssl::context>> LoadTls(const fs::path& certificate, const fs::path& key) {
  NS_RETURN_IF_ERROR(Readable(certificate, "--tls_cert", "BAD_CERTIFICATE"));
  NS_RETURN_IF_ERROR(Readable(key, "--tls_key", "BAD_KEY"));
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);  // an idle connection costs 34 KiB less
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate.string(), error);
  if (error) {
    return InvalidArgument(fmt::format("--tls_cert '{}' is not a certificate in PEM form: {}", certificate.string(), error.message()), "BAD_CERTIFICATE");
  }
  context->set_password_callback([](size_t, ssl::context::password_purpose) { return std::string(); }, error);  // never ask on the terminal
  context->use_private_key_file(key.string(), ssl::context::pem, error);
  if (error) {
    const char* what = ::SSL_CTX_get0_privatekey(context->native_handle()) == nullptr ? "is not a private key in PEM form without a passphrase" : "cannot be used";
    return InvalidArgument(fmt::format("--tls_key '{}' {}, or is not the key of --tls_cert '{}': {}", key.string(), what, certificate.string(), error.message()),
                           "BAD_KEY");
  }
  if (::SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return InvalidArgument(fmt::format("--tls_key '{}' is not the key of --tls_cert '{}'", key.string(), certificate.string()), "BAD_KEY");
  }
  return context;
}

Result<std::string> PublicKeyPin(const fs::path& certificate) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(certificate, 1 << 20));
  std::unique_ptr<BIO, decltype(&::BIO_free)> bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), ::BIO_free);
  std::unique_ptr<X509, decltype(&::X509_free)> x509(::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), ::X509_free);
  unsigned char* der = nullptr;
  int size = x509 == nullptr ? -1 : ::i2d_X509_PUBKEY(::X509_get_X509_PUBKEY(x509.get()), &der);
  if (size < 0) return InvalidArgument(fmt::format("--tls_cert '{}' is not a certificate in PEM form", certificate.string()), "BAD_CERTIFICATE");
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  ::SHA256(der, static_cast<size_t>(size), digest.data());
  ::OPENSSL_free(der);
  std::array<unsigned char, 4 * (SHA256_DIGEST_LENGTH / 3 + 1) + 1> base64;
  int length = ::EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return "sha256//" + std::string(reinterpret_cast<const char*>(base64.data()), static_cast<size_t>(length));
}

}  // namespace ns
