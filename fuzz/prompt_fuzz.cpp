// Any bytes as a chat request: refused with a message, or rendered into pieces whose trusted part
// is ours alone, and unchanged by writing the messages out and reading them again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/chat_json.h"
#include "text/m2_markers.h"
#include "text/prompt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  (void)jevons::prompt_format_for(json, json);
  const auto request = jevons::parse_chat_request(json);
  if (!request) {
    JEVONS_CHECK(!request.error().message.empty());
    return 0;
  }
  const jevons::PromptFormat format;
  const auto pieces = jevons::render_prompt(*request, format);
  std::string prompt;
  if (pieces) {
    prompt = jevons::prompt_text(*pieces);
    JEVONS_CHECK(prompt.starts_with(jevons::kBeginOfText));
    JEVONS_CHECK(prompt.ends_with("<think>\n"));
    JEVONS_CHECK(jevons::utf8_is_valid(prompt));
    for (std::size_t i = 0; i < pieces->size(); ++i) {
      JEVONS_CHECK(!(*pieces)[i].text.empty());
      JEVONS_CHECK(i == 0 || (*pieces)[i].trusted != (*pieces)[i - 1].trusted);
    }
  }

  auto again = jevons::parse_chat_request(
      "{\"messages\": " + jevons::messages_to_json(request->messages) + "}");
  JEVONS_CHECK(again);
  JEVONS_CHECK(again->messages == request->messages);
  again->tools = request->tools;
  const auto prompt_again = jevons::render_prompt(*again, format);
  JEVONS_CHECK(prompt_again.has_value() == pieces.has_value());
  if (pieces) JEVONS_CHECK(jevons::prompt_text(*prompt_again) == prompt);
  return 0;
}
