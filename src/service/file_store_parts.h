// What file_store.cc and upload.cc share. Private to the file store.
#pragma once

#include <mutex>

#include "service/file_store.h"

namespace ns {

// The uploads of one owner and name: the newest counts, older ones see that they are not it any more.
struct FileStore::Session {
  std::mutex mutex;  // over the part's two files and the next
  uint64_t newest = 0;
};

// "32 hex digits", of owner and name.
std::string PartialKey(const std::string& owner, const std::string& name);
std::string FileId(const std::string& owner, const std::string& name, const std::string& sha256);

Status UnknownFile(const std::string& what);

}  // namespace ns
