// Renders chat requests for the differential test against jinja2 (tools/prompt_oracle): reads one
// JSON request a line from standard input and answers each with one line, {"prompt": ...} or
// {"error": ...}. The argument is the file with the model's chat template, which decides the
// default identity.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "text/chat_json.h"
#include "text/json_value.h"
#include "text/prompt.h"

namespace {

jevons::Result<std::string> render(const std::string& line, const jevons::PromptFormat& format) {
  JEVONS_ASSIGN(const jevons::ChatRequest request, jevons::parse_chat_request(line));
  JEVONS_ASSIGN(const auto pieces,
                jevons::render_prompt(request, format, {.late_system_messages = false}));
  return jevons::prompt_text(pieces);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string chat_template((std::istreambuf_iterator<char>(file)),
                                  std::istreambuf_iterator<char>());
  const jevons::PromptFormat format = jevons::prompt_format_for(chat_template, "");
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto prompt = render(line, format);
    const std::string& text = prompt ? *prompt : prompt.error().message;
    std::printf("{\"%s\": %s}\n", prompt ? "prompt" : "error", jevons::json_string(text).c_str());
  }
  return 0;
}
