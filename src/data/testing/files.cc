#include "data/testing/files.h"

#include <zlib.h>

#include <utility>

namespace ns::testing {

namespace {

template <typename T>
void Put(std::string* out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::string Deflated(const std::string& content) {
  z_stream stream{};
  NS_CHECK(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  NS_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// The fields that local and directory headers share: flags to the length of the extra field.
void PutCommon(std::string* out, const ZipFile& file, uint32_t packed, size_t extra) {
  Put<uint16_t>(out, 0);                     // flags
  Put<uint16_t>(out, file.deflate ? 8 : 0);  // method
  Put<uint32_t>(out, 0);                     // time and date
  Put<uint32_t>(
      out, static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(file.content.data()), file.content.size())));
  Put<uint32_t>(out, file.zip64 ? 0xFFFFFFFF : packed);
  Put<uint32_t>(out, file.zip64 ? 0xFFFFFFFF : static_cast<uint32_t>(file.content.size()));
  Put<uint16_t>(out, static_cast<uint16_t>(file.name.size()));
  Put<uint16_t>(out, static_cast<uint16_t>(extra));
}

}  // namespace

Folder::Folder() : dir_(TempDir::Create("ns-data-test-").value()) {}

std::filesystem::path Folder::Write(const std::string& name, std::string_view content) const {
  std::filesystem::path path = dir_.path() / name;
  std::filesystem::create_directories(path.parent_path());
  Status status = WriteFileAtomic(path, content);
  NS_CHECK(status.ok(), "{}", status.message());
  return path;
}

std::string Npy(std::string_view descr, std::string_view shape, std::string_view data,
                std::optional<std::string_view> header) {
  std::string dict = header ? std::string(*header)
                            : fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", descr, shape);
  while ((10 + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  Put<uint16_t>(&out, static_cast<uint16_t>(dict.size()));
  return out + dict + std::string(data);
}

std::string Zip(const std::vector<ZipFile>& files) {
  std::string out;
  std::string directory;
  for (const ZipFile& file : files) {
    std::string packed = file.deflate ? Deflated(file.content) : file.content;
    std::string extra;
    if (file.zip64) {
      Put<uint16_t>(&extra, 1);
      Put<uint16_t>(&extra, 16);
      Put<uint64_t>(&extra, file.content.size());
      Put<uint64_t>(&extra, packed.size());
    }
    auto offset = static_cast<uint32_t>(out.size());
    Put<uint32_t>(&out, 0x04034b50);
    Put<uint16_t>(&out, 45);
    PutCommon(&out, file, static_cast<uint32_t>(packed.size()), extra.size());
    out += file.name + extra + packed;
    Put<uint32_t>(&directory, 0x02014b50);
    Put<uint16_t>(&directory, 45);
    Put<uint16_t>(&directory, 45);
    PutCommon(&directory, file, static_cast<uint32_t>(packed.size()), extra.size());
    Put<uint16_t>(&directory, 0);  // comment
    Put<uint16_t>(&directory, 0);  // disk
    Put<uint16_t>(&directory, 0);
    Put<uint32_t>(&directory, 0);
    Put<uint32_t>(&directory, offset);
    directory += file.name + extra;
  }
  auto begin = static_cast<uint32_t>(out.size());
  out += directory;
  Put<uint32_t>(&out, 0x06054b50);
  Put<uint32_t>(&out, 0);
  Put<uint16_t>(&out, static_cast<uint16_t>(files.size()));
  Put<uint16_t>(&out, static_cast<uint16_t>(files.size()));
  Put<uint32_t>(&out, static_cast<uint32_t>(directory.size()));
  Put<uint32_t>(&out, begin);
  Put<uint16_t>(&out, 0);
  return out;
}

std::string TokenizerJson() {
  return R"({"version": "1.0", "truncation": null, "padding": null,
"added_tokens": [
  {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
  {"id": 1, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
  {"id": 2, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
  {"id": 3, "content": "[SEP]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
"normalizer": null,
"pre_tokenizer": {"type": "WhitespaceSplit"},
"post_processor": {"type": "TemplateProcessing",
  "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
  "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
           {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
  "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
"decoder": null,
"model": {"type": "WordLevel", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4, "b": 5, "c": 6, "d": 7}, "unk_token": "[UNK]"}})";
}

TensorSpec Input(std::string name, DType dtype, Shape shape) {
  TensorSpec spec;
  spec.name = std::move(name);
  spec.dtype = dtype;
  spec.shape = std::move(shape);
  return spec;
}

}  // namespace ns::testing
