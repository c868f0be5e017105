// M2's choice of experts from the router's logits. Any thread may call; nothing fails.
// The logits themselves are a matmul with F32 weights, [n_experts][hidden_size].
#pragma once

namespace jevons::kernels {

/// Chooses the experts of one token. p = sigmoid(logit); the n_used largest p + bias are taken, the
/// lower index first where they are equal. The bias only chooses: weight = p / sum of the chosen p.
/// logits, bias: [n_experts]; experts, weights: [n_used], in the order of descending p + bias.
/// 1 <= n_used <= n_experts. If every chosen p is 0, the weights are equal.
void route(const float* logits, const float* bias, int n_experts, int n_used, int* experts,
           float* weights);

}  // namespace jevons::kernels
