// Writes a small checkpoint folder by hand, in the official naming, for tests of the conversion.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/byte_spelling.h"
#include "convert/random_numbers.h"
#include "convert/synth_vocabulary.h"
#include "text/pre_tokenizer.h"

namespace jevons::test {

struct RawTensor {
  std::string type;
  std::vector<std::int64_t> shape;
  std::string bytes;
};

inline std::string f32_bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// The upper halves: exact for the values that random_values() makes.
inline std::string bf16_bytes(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) {
    bytes.append(reinterpret_cast<const char*>(&value) + 2, 2);
  }
  return bytes;
}

/// Values that bf16 holds exactly.
inline std::vector<float> random_values(const std::string& name, std::int64_t n) {
  RandomNumbers random(1, name, 0);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) {
    value = 0.05f * random.normal();
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits &= 0xffff0000u;
    std::memcpy(&value, &bits, sizeof bits);
  }
  return values;
}

class CheckpointFiles {
 public:
  static constexpr int kHidden = 256, kQ = 256, kKv = 128, kExperts = 3, kExpertSize = 256,
                       kVocabulary = 400;

  explicit CheckpointFiles(const std::string& name)
      : folder_(std::filesystem::path(::testing::TempDir()) /
                (name + "_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    write("config.json", R"({"model_type": "minimax_m2", "num_hidden_layers": 1,
      "hidden_size": 256, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
      "rotary_dim": 32, "num_local_experts": 3, "num_experts_per_tok": 2,
      "intermediate_size": 256, "vocab_size": 400, "max_position_embeddings": 1000,
      "rms_norm_eps": 1e-06, "rope_theta": 5000000, "scoring_func": "sigmoid"})");
    write("generation_config.json", R"({"temperature": 1.0, "top_p": 0.95, "top_k": 40})");
    write("chat_template.jinja", "{{ messages }}");
    write_tokenizer();
    add_all("F32");
  }
  ~CheckpointFiles() { std::filesystem::remove_all(folder_); }
  CheckpointFiles(const CheckpointFiles&) = delete;
  CheckpointFiles& operator=(const CheckpointFiles&) = delete;

  [[nodiscard]] std::string folder() const { return folder_.string(); }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(write_file_atomically(path(name), text));
  }

  /// All tensors of the model, matrices as "F32" or "BF16", the rest F32.
  void add_all(const std::string& matrix_type) {
    add("model.embed_tokens.weight", {kVocabulary, kHidden}, matrix_type);
    add("lm_head.weight", {kVocabulary, kHidden}, matrix_type);
    add("model.norm.weight", {kHidden}, "F32");
    const std::string at = "model.layers.0.";
    add(at + "input_layernorm.weight", {kHidden}, matrix_type);
    add(at + "post_attention_layernorm.weight", {kHidden}, matrix_type);
    add(at + "self_attn.q_proj.weight", {kQ, kHidden}, matrix_type);
    add(at + "self_attn.k_proj.weight", {kKv, kHidden}, matrix_type);
    add(at + "self_attn.v_proj.weight", {kKv, kHidden}, matrix_type);
    add(at + "self_attn.o_proj.weight", {kHidden, kQ}, matrix_type);
    add(at + "self_attn.q_norm.weight", {kQ}, matrix_type);
    add(at + "self_attn.k_norm.weight", {kKv}, matrix_type);
    add(at + "block_sparse_moe.gate.weight", {kExperts, kHidden}, "F32");
    add(at + "block_sparse_moe.e_score_correction_bias", {kExperts}, "F32");
    for (int e = 0; e < kExperts; ++e) {
      const std::string expert = fmt::format("{}block_sparse_moe.experts.{}.", at, e);
      add(expert + "w1.weight", {kExpertSize, kHidden}, matrix_type);
      add(expert + "w2.weight", {kHidden, kExpertSize}, matrix_type);
      add(expert + "w3.weight", {kExpertSize, kHidden}, matrix_type);
    }
  }

  void add(const std::string& name, const std::vector<std::int64_t>& shape,
           const std::string& type) {
    std::int64_t n = 1;
    for (const std::int64_t size : shape) n *= size;
    const auto values = random_values(name, n);
    tensors[name] = {type, shape, type == "F32" ? f32_bytes(values) : bf16_bytes(values)};
  }

  /// Writes model.safetensors from `tensors`.
  void save() const {
    nlohmann::ordered_json header;
    std::string data;
    for (const auto& [name, tensor] : tensors) {
      header[name] = {{"dtype", tensor.type},
                      {"shape", tensor.shape},
                      {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
      data += tensor.bytes;
    }
    const std::string text = header.dump();
    const std::uint64_t n = text.size();
    write("model.safetensors",
          std::string(reinterpret_cast<const char*>(&n), sizeof n) + text + data);
  }

  std::map<std::string, RawTensor> tensors;

 private:
  /// tokenizer.json of a made-up vocabulary; the unused tokens at its end are left out, as in the
  /// published file.
  void write_tokenizer() const {
    const auto vocabulary = make_synth_vocabulary(kVocabulary, 1, "");
    ASSERT_TRUE(vocabulary);
    const ByteSpelling spelling;
    nlohmann::ordered_json vocab = nlohmann::ordered_json::object();
    nlohmann::ordered_json merges = nlohmann::ordered_json::array();
    nlohmann::ordered_json added = nlohmann::ordered_json::array();
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < vocabulary->tokens.size(); ++i) {
      std::string text;
      spelling.encode(vocabulary->tokens[i], text);
      texts.push_back(text);
      if (vocabulary->kinds[i] == TokenKind::kNormal) {
        vocab[text] = i;
      } else if (vocabulary->kinds[i] != TokenKind::kUnused) {
        added.push_back({{"id", i},
                         {"content", vocabulary->tokens[i]},
                         {"special", vocabulary->kinds[i] == TokenKind::kControl}});
      }
    }
    for (const auto& merge : vocabulary->merges) {
      merges.push_back(texts[static_cast<std::size_t>(merge.left)] + " " +
                       texts[static_cast<std::size_t>(merge.right)]);
    }
    nlohmann::ordered_json root;
    root["added_tokens"] = added;
    root["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern", {{"Regex", std::string(m2_split_pattern())}}},
           {"behavior", "Removed"},
           {"invert", true}},
          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
    root["model"] = {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}};
    write("tokenizer.json", root.dump());
  }

  std::filesystem::path folder_;
};

}  // namespace jevons::test
