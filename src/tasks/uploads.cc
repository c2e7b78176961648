#include "tasks/uploads.h"

#include "tasks/json_fields.h"
#include "tasks/task_event.h"

namespace ns {

namespace {

Json FileJson(const StoredFile& file) {
  Json json = {{"id", file.id}, {"reference", "upload:" + file.id}, {"name", file.name}, {"sha256", file.sha256},
               {"size", file.size}, {"created", FormatTime(file.created)}, {"complete", true}};
  SetUnlessEmpty(json, "owner", file.owner);
  return json;
}

}  // namespace

std::string StoredFileJson(const StoredFile& file) { return Dump(FileJson(file)); }

Result<StoredFile> ParseStoredFile(std::string_view text) {
  auto json = ParseJson(text);
  StoredFile file;
  std::string created;
  bool good = json && json->is_object() && Get(*json, "id", &file.id) && Get(*json, "name", &file.name) && Get(*json, "sha256", &file.sha256) &&
              Get(*json, "size", &file.size) && Get(*json, "created", &created);
  auto time = good ? ParseTime(created) : std::nullopt;
  if (!time) return InvalidArgument("not the description of an uploaded file", "BAD_ANSWER");
  file.created = *time;
  Get(*json, "owner", &file.owner);
  return file;
}

std::string PartialFileJson(const PartialFile& file) {
  Json json = {{"name", file.name}, {"complete", false}, {"received", file.received}, {"size", nullptr}};
  SetOptional(json, "size", file.size);
  return Dump(json);
}

std::optional<uint64_t> ParseReceived(std::string_view text) {
  auto json = ParseJson(text);
  uint64_t received = 0;
  if (!json || !json->is_object() || !Get(*json, "received", &received)) return std::nullopt;
  return received;
}

std::string WrongOffsetJson(std::string_view text, uint64_t received) { return Dump(Json{{"detail", text}, {"received", received}}); }

std::string StoredFilesJson(const std::vector<StoredFile>& files) {
  Json list = Json::array();
  for (const StoredFile& file : files) list.push_back(FileJson(file));
  return Dump(Json{{"files", std::move(list)}});
}

std::string PartialRecordJson(const PartialRecord& record) {
  Json json = {{"name", record.name}, {"owner", record.owner}, {"synced", record.synced}, {"boot_id", record.boot_id}};
  SetOptional(json, "size", record.size);
  return Dump(json);
}

Result<PartialRecord> ParsePartialRecord(std::string_view text) {
  auto json = ParseJson(text);
  PartialRecord record;
  bool good = json && json->is_object() && Get(*json, "name", &record.name) && Get(*json, "synced", &record.synced) &&
              Get(*json, "boot_id", &record.boot_id);
  if (!good) return InvalidArgument("not the record of a partial upload", "BAD_RECORD");
  Get(*json, "owner", &record.owner);
  GetOptional(*json, "size", &record.size);
  return record;
}

}  // namespace ns
