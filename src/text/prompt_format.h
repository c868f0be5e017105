// What a model file's own chat template says about its format.
//
// Templates are jinja programs; Jevons does not run them. It renders the one format that all M2
// models share (text/prompt.h) and takes from the template only what differs between them: the
// identity that stands for a missing system message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jevons {

enum class TemplateMatch {
  kAbsent,  // the file has no template
  kM2,      // writes every marker of the M2 format and no control token of another
  kOther,   // anything else: prompts rendered by us may not be what the model was trained on
};

struct PromptFormat {
  /// System text when the conversation has none. Came from a file: rendered untrusted.
  std::string default_identity = "You are a helpful assistant.";
  TemplateMatch template_match = TemplateMatch::kAbsent;
  /// For `inspect`: what the template lacks of the M2 format or has beyond it, one item each.
  std::vector<std::string> template_differences;
};

/// The identity is the template's `model_identity = "..."`, else that of the M2 release named in
/// `model_name` (any case and punctuation: "MiniMax-M2.5", "minimax_m2.7 q4"), else a neutral one.
///
/// A template is recognised by its pieces, not by a hash of one text: files on the hub carry it
/// with other comments, whitespace, quotes, identity and repairs, all of which render alike.
/// Comments are dropped, escapes in strings are resolved, and then every fixed piece that the
/// format writes must be there, and no control token of another family.
[[nodiscard]] PromptFormat prompt_format_for(std::string_view chat_template,
                                             std::string_view model_name);

}  // namespace jevons
