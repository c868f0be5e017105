// The shape of an M2 network, as its file declares it. FACTS of M2.5 in the comments.
#pragma once

#include <cstdint>
#include <string>

namespace jevons {

struct ModelConfig {
  std::string name;        // general.name, for people
  int n_layers = 0;        // 62
  int hidden_size = 0;     // 3072
  int n_heads = 0;         // 48
  int n_kv_heads = 0;      // 8
  int head_dim = 0;        // 128
  int rotary_dim = 0;      // 64: dims of each head that are rotated
  int n_experts = 0;       // 256
  int n_experts_used = 0;  // 8
  int expert_size = 0;     // 1536: width of one expert
  int vocab_size = 0;      // 200064
  int context_length = 0;  // 196608
  float rms_epsilon = 0;   // 1e-6
  float rope_theta = 0;    // 5e6

  [[nodiscard]] int q_size() const { return n_heads * head_dim; }      // 6144
  [[nodiscard]] int kv_size() const { return n_kv_heads * head_dim; }  // 1024
};

}  // namespace jevons
