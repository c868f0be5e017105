// Who asks, as far as it decides how a request is treated. Plain data.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"

namespace jevons {

struct Caller {
  std::string key_name{};     // "" without keys
  std::string cache_scope{};  // prompts are shared within it
  std::string client{};       // clients of one priority take turns
  std::string program{};      // as it calls itself: x-jevons-client, else user-agent
  Priority default_priority = Priority::kInteractive;  // background: always
  int max_tokens = 0;                                  // of an answer, 0: no limit of the key's
  // Of the request's headers; they win over its body.
  std::optional<Priority> priority{};
  std::optional<double> deadline_s{};
};

}  // namespace jevons
