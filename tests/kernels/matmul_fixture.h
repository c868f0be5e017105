// Weights and activations for the matrix kernels' tests: random and extreme, in buffers of exactly
// the right size, so that AddressSanitizer sees a kernel that reads past the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

/// What the blocks of a matrix or the numbers of an activation look like.
enum class Content { kRandom, kExtreme, kZero, kTiny };
inline constexpr Content kAllContents[] = {Content::kRandom, Content::kExtreme, Content::kZero,
                                           Content::kTiny};

[[nodiscard]] std::vector<Isa> available_isas();

/// Their sets; and where this CPU has AVX2 but not AVX-VNNI, the kernels of the latter with its
/// instructions done by AVX2.
[[nodiscard]] std::span<const KernelSet> available_sets();
/// Null on a CPU without AVX2.
[[nodiscard]] const KernelSet* emulated_avx_vnni();
[[nodiscard]] std::string format_name(WeightFormat format);
/// Columns of one block; 16 for the formats without blocks, so that shapes are comparable.
[[nodiscard]] int block_columns(WeightFormat format);

/// Bytes of n_rows rows, row after row. Every float in them is finite.
[[nodiscard]] std::vector<std::byte> make_weights(WeightFormat format, int n_rows, int n_columns,
                                                  Content content, std::mt19937& random);
/// [n_columns] finite floats.
[[nodiscard]] std::vector<float> make_activations(int n_columns, Content content,
                                                  std::mt19937& random);

/// Tokens encoded for one kernel set, each in a buffer of its own.
class EncodedTokens {
 public:
  EncodedTokens(const KernelSet& set, WeightFormat weights,
                const std::vector<std::vector<float>>& tokens);
  [[nodiscard]] const std::byte* const* pointers() const { return pointers_.data(); }

 private:
  struct AlignedDelete {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t{64}); }
  };
  std::vector<std::unique_ptr<std::byte[], AlignedDelete>> buffers_;
  std::vector<const std::byte*> pointers_;
};

struct Matrix {
  WeightFormat format;
  int n_columns;
  std::vector<std::byte> bytes;
};

/// y[t][r] for the first n_rows rows and n_tokens tokens. Fails the test where the kernel writes
/// past a row of y or leaves a number unwritten.
[[nodiscard]] std::vector<std::vector<float>> multiply(const KernelSet& set, const Matrix& matrix,
                                                       int first_row, int n_rows,
                                                       const std::byte* const* x, int n_tokens);

}  // namespace jevons::kernels
