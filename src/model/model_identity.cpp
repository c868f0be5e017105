#include "model/model_identity.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

// Counts up whenever a kernel's results change, and with that what a stored page is worth.
constexpr std::string_view kArithmeticVersion = "jevons arithmetic 1";

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    JEVONS_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(std::span<const std::byte> bytes) {
    // With its length, so that what follows cannot take a part of it over.
    const auto size = static_cast<std::uint64_t>(bytes.size());
    update(&size, sizeof size);
    update(bytes.data(), bytes.size());
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  [[nodiscard]] std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    JEVONS_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  void update(const void* data, std::size_t size) {
    JEVONS_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1);
  }
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

void add_samples(Sha256& hash, const GgufTensor& tensor) {
  constexpr std::uint64_t kSample = 256;
  const std::uint64_t size = std::min(kSample, tensor.n_bytes);
  for (const std::uint64_t offset :
       {std::uint64_t{0}, (tensor.n_bytes - size) / 2, tensor.n_bytes - size}) {
    hash.add({tensor.data + offset, size});
  }
}

}  // namespace

ModelIdentity identify(const OpenModel& model) {
  ModelIdentity identity;
  std::map<std::uint32_t, std::uint64_t> bytes_of_type;
  for (const GgufTensor* tensor : model.file->tensors()) {
    bytes_of_type[tensor->type_id] += tensor->n_bytes;
    identity.n_parameters += static_cast<std::uint64_t>(tensor->n_elements());
    identity.weight_bytes += tensor->n_bytes;
  }
  const auto most =
      std::max_element(bytes_of_type.begin(), bytes_of_type.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != bytes_of_type.end()) identity.quantisation = tensor_type_name(most->first);
  return identity;
}

std::string model_fingerprint(const OpenModel& model, kernels::KvFormat kv_format) {
  Sha256 hash;
  hash.add(kArithmeticVersion);
  hash.add(kv_format == kernels::KvFormat::kF16 ? "f16" : "q8_0");
  for (const GgufFile& shard : model.file->shards()) {
    hash.add(fmt::format("{} bytes", shard.n_bytes()));
    std::string encoded;
    for (const GgufEntry& entry : shard.metadata()) {
      hash.add(entry.key);
      encoded = gguf_type_name(static_cast<std::uint32_t>(entry.value.type()));
      entry.value.append_encoded(encoded);
      hash.add(encoded);
    }
    for (const GgufTensor& tensor : shard.tensors()) {
      hash.add(tensor.name);
      hash.add(fmt::format("{} {} {}", tensor.type_id, tensor.shape_text(), tensor.n_bytes));
      add_samples(hash, tensor);
    }
  }
  return hash.finish();
}

}  // namespace jevons
