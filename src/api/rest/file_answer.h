// What a request gets of a file: all of it, a range, or the news that it has it already (RFC 9110, sections 13 and 14).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/rest/message.h"
#include "base/file.h"

namespace ns {

struct FileFacts {
  uint64_t size = 0;
  int64_t modified_ns = 0;  // since 1970
};

struct FileAnswer {
  int status = 200;  // 200, 206, 304 or 416
  uint64_t from = 0, length = 0;
  std::vector<std::pair<std::string, std::string>> headers;
};

// For a file whose content never changes. One range only: of several the whole file is the answer, which the standard allows.
FileAnswer AnswerForFile(const Request& request, const FileFacts& facts);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string HttpDate(int64_t seconds);

// `length` bytes of an open file from `from` on, read as they are sent; compressed where asked for. A file that became shorter is broken.
std::shared_ptr<BodySource> FileSource(FileDescriptor file, uint64_t from, uint64_t length, bool gzip);

}  // namespace ns
