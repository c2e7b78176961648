/* The C ABI of Hugging Face's `tokenizers` (a Rust crate): a tokenizer.json in, the same tokens out as in the user's own Python.
 *
 * The library is libtokenizers_abi.a, made from this folder by scripts/setup; CMake: find_package(TokenizersAbi), tokenizers::abi.
 *
 * Errors: a function that can fail returns a ns_tokenizer_code; where it isn't OK, nothing was made, the out-parameters are untouched
 * except *error, which is then a message of one or more lines, NUL-terminated UTF-8, that the caller gives back to
 * ns_tokenizer_string_free(). `error` itself may be NULL: then there is the code only. No Rust panic leaves the library: it is
 * NS_TOKENIZER_INTERNAL with the panic's message.
 *
 * Threads: any number of threads may use one ns_tokenizer at once; those that encode with different max_length wait for each other.
 * The library starts no threads of its own.
 *
 * Text is UTF-8 with an explicit length; it may hold NUL bytes; data may be NULL where size is 0. */
#ifndef NS_TOKENIZERS_ABI_H_
#define NS_TOKENIZERS_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of google.rpc.Code. */
typedef enum ns_tokenizer_code {
  NS_TOKENIZER_OK = 0,
  NS_TOKENIZER_INVALID_ARGUMENT = 3, /* not a tokenizer, a text that isn't UTF-8, a max_length too small for the special tokens */
  NS_TOKENIZER_NOT_FOUND = 5,        /* the file can't be read */
  NS_TOKENIZER_INTERNAL = 13         /* the library failed; the tokenizer may still be used */
} ns_tokenizer_code;

typedef struct ns_tokenizer ns_tokenizer;

typedef struct ns_text {
  const char* data; /* borrowed for the call */
  size_t size;      /* bytes */
} ns_text;

typedef enum ns_tokenizer_side { NS_TOKENIZER_RIGHT = 0, NS_TOKENIZER_LEFT = 1 } ns_tokenizer_side;

typedef struct ns_encode_options {
  /* Most tokens of a row, special tokens included; 0: no limit. Longer rows lose tokens at the truncation side that the tokenizer's file
   * names (right where it names none); of a pair the longer text loses first ("longest_first"). */
  size_t max_length;
  /* 1: with what the tokenizer's post-processor adds ([CLS], </s>, ...); 0: without. */
  int add_special_tokens;
} ns_encode_options;

/* The tokens of `count` rows, one row after the other: row r is [offsets[r], offsets[r + 1]) of ids and type_ids, its length the
 * difference. Nothing is padded, so a row's attention mask is 1 for each of its tokens. Freed as a whole by ns_encodings_free(). */
typedef struct ns_encodings {
  size_t count;
  const size_t* offsets;    /* count + 1 */
  const int64_t* ids;       /* offsets[count]; int64 as the models' inputs are */
  const int64_t* type_ids;  /* offsets[count]; which text a token belongs to, as the post-processor says (BERT: 0, then 1) */
} ns_encodings;

/* What the tokenizer's file says about padding; the library itself never pads. */
typedef struct ns_padding {
  int64_t id;
  int64_t type_id;
  ns_tokenizer_side side; /* the side where padding goes */
} ns_padding;

/* Loads a tokenizer.json from a file; `path` is NUL-terminated. *tokenizer is the caller's, to free with ns_tokenizer_free().
 * NOT_FOUND (no such file, not readable), INVALID_ARGUMENT (not the JSON of a tokenizer; the message says where). */
ns_tokenizer_code ns_tokenizer_from_file(const char* path, ns_tokenizer** tokenizer, char** error);

/* The same from the file's bytes, which aren't needed after the call. INVALID_ARGUMENT. */
ns_tokenizer_code ns_tokenizer_from_bytes(const char* data, size_t size, ns_tokenizer** tokenizer, char** error);

/* NULL is fine. No other thread may be using it. */
void ns_tokenizer_free(ns_tokenizer* tokenizer);

/* Tokens of texts[0..count), or of the pairs (texts[i], pairs[i]) where `pairs` isn't NULL (then it has `count` entries too).
 * *encodings is the caller's, to free with ns_encodings_free(); it outlives the tokenizer. Runs on the calling thread only.
 * INVALID_ARGUMENT: a text isn't UTF-8, or max_length is less than the special tokens need. The message names the row. */
ns_tokenizer_code ns_tokenizer_encode(const ns_tokenizer* tokenizer, const ns_text* texts, const ns_text* pairs, size_t count,
                                      const ns_encode_options* options, ns_encodings** encodings, char** error);

/* NULL is fine. */
void ns_encodings_free(ns_encodings* encodings);

/* The id of a token as it stands in the vocabulary ("[PAD]", "</s>"), added tokens included. 1: *id is set; 0: there is none. */
int ns_tokenizer_token_to_id(const ns_tokenizer* tokenizer, ns_text token, int64_t* id);

/* The number of tokens, added ones included. Ids are usually, not always, below it. */
size_t ns_tokenizer_vocabulary_size(const ns_tokenizer* tokenizer);

/* 1: the tokenizer's file has a "padding" section and *padding is set from it; 0: it has none (try the token "[PAD]" then). */
int ns_tokenizer_padding(const ns_tokenizer* tokenizer, ns_padding* padding);

/* The version of the `tokenizers` crate within, for reports: "0.23.2". Static, not to be freed. */
const char* ns_tokenizer_library_version(void);

/* Frees an error message. NULL is fine. */
void ns_tokenizer_string_free(char* string);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* NS_TOKENIZERS_ABI_H_ */
