// A conversation kept in a file: JSON with the messages as chat endpoints have them. Any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/chat.h"

namespace jevons {

/// Replaces the file as a whole. Errors name the file.
[[nodiscard]] Result<void> save_conversation(const std::string& path,
                                             std::span<const Message> messages,
                                             const std::string& model_name);

/// Reads what save_conversation wrote, or any JSON object with "messages". Errors name the file
/// and the place in it.
[[nodiscard]] Result<std::vector<Message>> load_conversation(const std::string& path);

/// "~/x" with the home folder in place of "~".
[[nodiscard]] std::string expand_home(const std::string& path);

}  // namespace jevons
