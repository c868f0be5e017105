#include "model/open_model.h"

#include <utility>

#include "weights/gguf_vocabulary.h"

namespace jevons {

Result<OpenModel> OpenModel::open(const std::string& path) {
  JEVONS_ASSIGN(ModelFile file, ModelFile::open(path));
  auto owner = std::make_unique<ModelFile>(std::move(file));
  JEVONS_ASSIGN(M2Weights weights, M2Weights::bind(*owner));
  return OpenModel{std::move(owner), std::move(weights)};
}

Result<Vocabulary> OpenModel::vocabulary() const {
  JEVONS_ASSIGN(Vocabulary vocabulary, read_gguf_vocabulary(file->metadata()));
  const auto n_tokens = static_cast<std::size_t>(weights.config.vocab_size);
  if (vocabulary.tokens.size() != n_tokens) {
    return fail("{}: tokenizer.ggml.tokens has {} tokens, but the embedding table has {} rows",
                file->path(), vocabulary.tokens.size(), n_tokens);
  }
  return vocabulary;
}

}  // namespace jevons
