// A certificate that the gRPC server serves, and that can be replaced while it runs. Private to api/rpc.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <ctime>
#include <filesystem>
#include <memory>

#include "base/file.h"
#include "base/status.h"

namespace ns {

// The library watches files and takes a new pair as soon as it sees one, whether it is whole or not; an empty key ends the process. What it watches
// here are two files in memory that hold what was found to be good, change in one step and never reach the disk. Thread-compatible.
class LiveCertificate {
 public:
  // Reads both. InvalidArgument (BAD_CERTIFICATE, BAD_KEY) when they are no certificates and the first one's key in PEM form.
  static Result<std::unique_ptr<LiveCertificate>> Read(const std::filesystem::path& cert, const std::filesystem::path& key);
  // The same again; connections made a second later get them. On failure the old ones stay.
  Status Renew(const std::filesystem::path& cert, const std::filesystem::path& key);
  // For servers that end before this.
  std::shared_ptr<grpc::ServerCredentials> Credentials() const;

 private:
  Status Replace(FileDescriptor* file, const std::string& content);

  FileDescriptor cert_, key_;
  time_t version_ = 0;  // the files' time: by it the library sees that both have changed, and that one has while it read the other
};

}  // namespace ns
