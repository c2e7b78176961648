// What the networks of text share: inputs, embeddings, the encoder's layer, the heads.
#pragma once

#include <string>

#include "huggingface/architectures/architecture.h"

namespace ns {

struct TextInputs {
  Value ids;    // [batch, sequence] int64; of a multiple choice: [batch · choices, sequence]
  Value mask;   // the same shape: 1 for a token, 0 for padding
  Value types;  // token_type_ids; "" where the model has none
};

// Makes input_ids, attention_mask and, where `token_types`, token_type_ids.
TextInputs OpenText(Build& build, bool token_types);

// 0 where attention may go, -10000 where not, to be added to the scores: [batch, 1, 1, sequence].
Value MaskScores(Build& build, const Value& mask);

// The rows of the position table for a sequence that begins at 0: [batch, sequence, hidden].
Value PositionsFromZero(Build& build, const Value& ids, const std::string& module);
// As RoBERTa counts: tokens from `padding` + 1 on, `padding` itself for padding. [batch, sequence, hidden].
Value PositionsAfterPadding(Build& build, const Value& ids, int64_t padding, const std::string& module);
// The row of token type 0, which all tokens have in models that are given none. [hidden].
Value FirstTokenType(Build& build, const std::string& module);

struct EncoderOptions {
  int64_t layers = 0;
  int64_t heads = 0;
  std::string activation;
  float epsilon = 0;  // of LayerNorm
};
// By the names that BERT's configuration has; `heads` where it doesn't tell. Refuses what is not built: a decoder,
// relative positions.
EncoderOptions ReadEncoderOptions(Build& build, int64_t heads = 12, std::string_view activation = "gelu");

// Multi-head attention between linear layers: softmax(q·kᵀ/√d + bias)·v, [batch, sequence, hidden]. `width`: hidden.
// `bias` ("": none) is added to the scores of shape [batch, heads, sequence, sequence].
Value Attention(Build& build, const Value& q, const Value& k, const Value& v, int64_t heads, int64_t width,
                const Value& bias, const std::string& module, float divisor);
Value Attention(Build& build, const Value& q, const Value& k, const Value& v, int64_t heads, int64_t width,
                const Value& bias, const std::string& module);

// The names of a layer's modules, and where its attention is.
struct LayerNames {
  std::string attention;  // only for the names of operators
  std::string query, key, value, attention_output, attention_norm;
  std::string up, down, output_norm;
};
LayerNames BertLayer(const std::string& layer);  // "bert.encoder.layer.0"

// An encoder's layer as BERT has it, normalized after each half. `bias` as for Attention().
Value EncoderLayer(Build& build, const Value& x, const Value& bias, const LayerNames& names,
                   const EncoderOptions& options);
// All of `base`encoder.layer.N.
Value BertEncoder(Build& build, Value x, const Value& bias, const EncoderOptions& options);

// The first token's row: [batch, hidden].
Value FirstToken(Build& build, const Value& hidden);
// A row through dense layers: Gemm, then the function.
Value DenseRow(Build& build, const Value& row, const std::string& module, const std::string& activation);

// ---- the model's outputs ----
void OutputHidden(Build& build, const Value& hidden, int64_t width);            // last_hidden_state
void OutputClasses(Build& build, const Value& row, const std::string& module);  // logits of one row a text
void OutputChoices(Build& build, const Value& row, const std::string& module);  // a score a choice → [batch, choices]
void OutputTokens(Build& build, const Value& hidden, const std::string& module);  // logits a token
void OutputSpan(Build& build, const Value& hidden, const std::string& module);    // start_logits, end_logits
// logits a token over the vocabulary: x·Wᵀ + `bias` ("": none). W is the embedding of the ids, unless the configuration
// unties them and `decoder` is there.
void OutputWords(Build& build, const Value& x, const std::string& embedding, const std::string& decoder,
                 const std::string& bias);

}  // namespace ns
