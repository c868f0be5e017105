#include "app/conversation_file.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/utf8.h"
#include "text/chat_json.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLargestFile = std::uint64_t{256} << 20;

}  // namespace

Result<void> save_conversation(const std::string& path, std::span<const Message> messages,
                               const std::string& model_name) {
  Json file;
  file["format"] = "jevons-conversation";
  file["version"] = 1;
  file["model"] = utf8_sanitize(model_name);
  file["messages"] = Json::parse(messages_to_json(messages));
  return write_file_atomically(path, file.dump(2) + "\n");
}

Result<std::vector<Message>> load_conversation(const std::string& path) {
  JEVONS_ASSIGN(const std::string text, read_file(path, kLargestFile));
  Result<ChatRequest> request = parse_chat_request(text);
  if (!request) return fail("{} is not a conversation: {}", path, request.error().message);
  return std::move(request->messages);
}

std::string expand_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  if (!path.starts_with("~/") || home == nullptr) return path;
  return home + path.substr(1);
}

}  // namespace jevons
