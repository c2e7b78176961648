#include "api/rpc/live_certificate.h"

#include <fcntl.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace ns {

namespace {

constexpr size_t kMaxPem = 1 << 20;
constexpr unsigned kLookEverySeconds = 1;

std::unique_ptr<BIO, decltype(&::BIO_free)> Reader(const std::string& text) {
  return {::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), ::BIO_free};
}

int NoPassphrase(char*, int, int, void*) { return 0; }

Status CheckPair(const std::string& cert, const std::string& key) {
  using Certificate = std::unique_ptr<X509, decltype(&::X509_free)>;
  auto read = [bio = Reader(cert)] { return Certificate(::PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr), ::X509_free); };
  ::ERR_clear_error();
  Certificate own = read();
  for (Certificate issuer = read(); issuer != nullptr;) issuer = read();
  bool whole = ERR_GET_REASON(::ERR_peek_last_error()) == PEM_R_NO_START_LINE;  // nothing more, and not a piece of something
  ::ERR_clear_error();
  if (own == nullptr || !whole) return InvalidArgument("--tls_cert is not a certificate in PEM form", "BAD_CERTIFICATE");
  std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> secret(::PEM_read_bio_PrivateKey(Reader(key).get(), nullptr, NoPassphrase, nullptr), ::EVP_PKEY_free);
  bool fits = secret != nullptr && ::X509_check_private_key(own.get(), secret.get()) == 1;
  ::ERR_clear_error();
  return fits ? OkStatus() : InvalidArgument("--tls_key is not the private key of --tls_cert, in PEM form without a passphrase", "BAD_KEY");
}

std::string PathOf(const FileDescriptor& file) { return fmt::format("/proc/self/fd/{}", file.get()); }

}  // namespace

Result<std::unique_ptr<LiveCertificate>> LiveCertificate::Read(const std::filesystem::path& cert, const std::filesystem::path& key) {
  auto certificate = std::make_unique<LiveCertificate>();
  NS_RETURN_IF_ERROR(certificate->Renew(cert, key));
  return certificate;
}

Status LiveCertificate::Renew(const std::filesystem::path& cert, const std::filesystem::path& key) {
  NS_ASSIGN_OR_RETURN(std::string cert_text, ReadFile(cert, kMaxPem));
  NS_ASSIGN_OR_RETURN(std::string key_text, ReadFile(key, kMaxPem));
  NS_RETURN_IF_ERROR(CheckPair(cert_text, key_text));
  ++version_;
  NS_RETURN_IF_ERROR(Replace(&cert_, cert_text));
  return Replace(&key_, key_text);
}

// Written whole, then put in the place of the one before: whoever opens it gets the old content or the new.
Status LiveCertificate::Replace(FileDescriptor* file, const std::string& content) {
  FileDescriptor made(::memfd_create("pem", MFD_CLOEXEC));
  if (!made.valid()) return ErrnoStatus(errno, "cannot keep a certificate in memory");
  NS_RETURN_IF_ERROR(WriteAll(made.get(), content, "a certificate"));
  timespec times[2] = {{version_, 0}, {version_, 0}};
  if (::futimens(made.get(), times) != 0) return ErrnoStatus(errno, "cannot keep a certificate in memory");
  if (!file->valid()) {
    *file = std::move(made);
    return OkStatus();
  }
  return ::dup3(made.get(), file->get(), O_CLOEXEC) >= 0 ? OkStatus() : ErrnoStatus(errno, "cannot replace a certificate");
}

std::shared_ptr<grpc::ServerCredentials> LiveCertificate::Credentials() const {
  using namespace grpc::experimental;  // so the library calls it; there is no other way to a certificate that changes
  TlsServerCredentialsOptions options(std::make_shared<FileWatcherCertificateProvider>(PathOf(key_), PathOf(cert_), kLookEverySeconds));
  options.watch_identity_key_cert_pairs();
  return TlsServerCredentials(options);
}

}  // namespace ns
