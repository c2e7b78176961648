#include "tasks/outpost_files.h"

#include "tasks/json_fields.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

Status Bad(const char* what) { return InvalidArgument(fmt::format("not {}", what), "BAD_OUTPOST_FILE"); }

Json ToJson(const OutpostFile& file) {
  Json json = {{"target", file.target}, {"sha256", file.sha256}, {"size", file.size}};
  if (file.kept) json["kept"] = true;
  return json;
}

bool IsDigest(const std::string& text) { return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

// The list of objects at "files".
const Json* FilesOf(const std::optional<Json>& json) {
  if (!json || !json->is_object()) return nullptr;
  auto found = json->find("files");
  return found == json->end() || !found->is_array() ? nullptr : &*found;
}

}  // namespace

fs::path NodeTaskFolder(const fs::path& node_folder, const std::string& task_id) { return node_folder / "tasks" / task_id; }

std::string OutpostInputsToJson(const std::vector<OutpostInput>& inputs) {
  Json files = Json::array();
  for (const OutpostInput& input : inputs) {
    Json json = {{"source", input.source.string()}, {"target", input.target}};
    for (auto [name, set] : {std::pair("kept", input.kept), std::pair("model", input.model), std::pair("awaited", input.awaited)}) {
      if (set) json[name] = true;
    }
    files.push_back(std::move(json));
  }
  return Dump({{"files", std::move(files)}}) + "\n";
}

Result<std::vector<OutpostInput>> ParseOutpostInputs(std::string_view text) {
  auto json = ParseJson(text);
  const Json* files = FilesOf(json);
  if (files == nullptr) return Bad("an outpost.json file");
  std::vector<OutpostInput> inputs;
  for (const Json& file : *files) {
    OutpostInput& input = inputs.emplace_back();
    std::string source;
    if (!file.is_object() || !Get(file, "source", &source) || !Get(file, "target", &input.target)) return Bad("an outpost.json file");
    input.source = source;
    Get(file, "kept", &input.kept);
    Get(file, "model", &input.model);
    Get(file, "awaited", &input.awaited);
  }
  return inputs;
}

std::string OutpostOrderToJson(const OutpostOrder& order) {
  Json files = Json::array();
  for (const OutpostFile& file : order.files) files.push_back(ToJson(file));
  return Dump({{"ended", order.ended}, {"files", std::move(files)}});
}

Result<OutpostOrder> ParseOutpostOrder(std::string_view text) {
  auto json = ParseJson(text);
  const Json* files = FilesOf(json);
  OutpostOrder order;
  if (files == nullptr || !Get(*json, "ended", &order.ended)) return Bad("an outpost's order");
  for (const Json& one : *files) {
    OutpostFile& file = order.files.emplace_back();
    bool good = one.is_object() && Get(one, "target", &file.target) && Get(one, "sha256", &file.sha256) && Get(one, "size", &file.size);
    if (!good || !IsSafeTarget(file.target) || !IsDigest(file.sha256)) return Bad("an outpost's order");
    Get(one, "kept", &file.kept);
  }
  return order;
}

std::string OutpostBeatToJson(const OutpostBeat& beat) {
  Json json = Json::object();
  SetUnlessEmpty(json, "pids", beat.pids);
  SetUnlessEmpty(json, "address", beat.address);
  return Dump(json);
}

Result<OutpostBeat> ParseOutpostBeat(std::string_view text) {
  auto json = ParseJson(text);
  if (!json || !json->is_object()) return Bad("an outpost's sign of life");
  OutpostBeat beat;
  Get(*json, "pids", &beat.pids);
  Get(*json, "address", &beat.address);
  return beat;
}

std::string OutpostNextJson(uint64_t next) { return Dump({{"next", next}}); }

Result<uint64_t> ParseOutpostNext(std::string_view text) {
  auto json = ParseJson(text);
  uint64_t next = 0;
  if (!json || !json->is_object() || !Get(*json, "next", &next)) return Bad("an answer to an outpost");
  return next;
}

bool IsSafeTarget(std::string_view target) {
  if (target.empty() || target.size() > 4000 || target.find('\0') != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= target.size();) {
    size_t end = std::min(target.find('/', begin), target.size());
    std::string_view part = target.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    begin = end + 1;
  }
  return true;
}

std::string OutpostPath(const WorkerId& worker) { return fmt::format("/outpost/{}/{}/{}", worker.task_id, worker.worker, worker.fence); }

}  // namespace ns
