#include "api/generation_plan.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include "api/either_constraint.h"
#include "text/m2_markers.h"

namespace jevons {
namespace {

constexpr int kMostChoices = 128;
constexpr double kLongestDeadlineS = 30 * 86400;
constexpr float kNever = -1000;  // logit bias

using Refusal = std::unexpected<ApiError>;

Refusal refuse(std::string message, std::string param = {}) {
  return Refusal(ApiError{.message = std::move(message), .param = std::move(param)});
}

SamplingParams sampling_of(const SamplingWish& wish, SamplingParams params) {
  if (wish.temperature) params.temperature = *wish.temperature;
  if (wish.top_p) params.top_p = *wish.top_p;
  if (wish.min_p) params.min_p = *wish.min_p;
  if (wish.top_k) params.top_k = *wish.top_k;
  if (wish.presence_penalty) params.presence_penalty = *wish.presence_penalty;
  if (wish.frequency_penalty) params.frequency_penalty = *wish.frequency_penalty;
  if (wish.repetition_penalty) params.repetition_penalty = *wish.repetition_penalty;
  if (wish.seed) params.seed = wish.seed;
  params.logit_bias.insert(params.logit_bias.end(), wish.logit_bias.begin(), wish.logit_bias.end());
  return params;
}

std::expected<ChatPrompt, ApiError> prompt_of(const Engine& engine,
                                              const GenerationRequest& request,
                                              const Caller& caller,
                                              const GenerationOptions& options) {
  PromptOptions prompt_options;
  prompt_options.thinking = request.thinking.enabled;
  prompt_options.known_nonces = options.keep_nonces;
  prompt_options.stop = options.stop;
  auto prompt = chat_prompt(std::get<ChatRequest>(request.input), engine.prompt_format(),
                            prompt_options, engine.tokenizer(), engine.turns(), caller.cache_scope);
  if (!prompt) return refuse(prompt.error().message, "messages");
  return *std::move(prompt);
}

void note_dropped(const ConstraintReport& report, std::string_view where,
                  std::vector<std::string>& warnings) {
  for (const DroppedKeyword& dropped : report.dropped) {
    std::string warning = fmt::format("{}: {}: the keyword {} is not held: {}", where, dropped.path,
                                      dropped.keyword, dropped.reason);
    if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) {
      warnings.push_back(std::move(warning));
    }
  }
}

using Constraint = std::unique_ptr<OutputConstraint>;

std::expected<Constraint, ApiError> format_constraint(ConstraintCompiler& compiler,
                                                      const OutputFormat& format,
                                                      const std::stop_token& stop,
                                                      std::vector<std::string>& warnings) {
  if (format.kind == OutputFormat::Kind::kText) return nullptr;
  if (format.kind == OutputFormat::Kind::kJsonObject) return compiler.json_object();
  ConstraintReport report;
  auto constraint = compiler.json_schema(
      format.schema_json, format.strict ? Unsupported::kRefuse : Unsupported::kDrop, report, stop);
  if (!constraint) return refuse(constraint.error().message, "response_format");
  note_dropped(report, "response_format", warnings);
  return *std::move(constraint);
}

std::expected<Constraint, ApiError> tools_constraint(ConstraintCompiler& compiler,
                                                     const GenerationPlan& plan,
                                                     const GenerationRequest& request,
                                                     bool must_call, const std::stop_token& stop,
                                                     std::vector<std::string>& warnings) {
  if (!plan.parses_tool_calls) {
    if (must_call) return refuse("tool_choice asks for a call, and there are no tools", "tools");
    return nullptr;
  }
  const ToolChoice& choice = request.tool_choice;
  ConstraintReport report;
  ConstraintCompiler::ToolRules rules;
  rules.must_call = must_call;
  if (!request.thinking.enabled) rules.max_line_breaks = 1;
  rules.only = choice.name;
  rules.parallel = choice.parallel;
  std::vector<ToolDefinition> allowed;
  std::copy_if(plan.tools.begin(), plan.tools.end(), std::back_inserter(allowed),
               [&](const ToolDefinition& tool) {
                 return choice.allowed.empty() ||
                        std::find(choice.allowed.begin(), choice.allowed.end(), tool.name) !=
                            choice.allowed.end();
               });
  if (allowed.empty()) return refuse("tool_choice allows none of the tools", "tool_choice");
  auto constraint = compiler.tool_calls(allowed, rules, report, stop);
  if (!constraint) return refuse(constraint.error().message, "tool_choice");
  note_dropped(report, "tools", warnings);
  return *std::move(constraint);
}

// One answer's constraint, or null.
std::expected<Constraint, ApiError> constraint_of(const Engine& engine, const GenerationPlan& plan,
                                                  const GenerationRequest& request,
                                                  const std::stop_token& stop,
                                                  std::vector<std::string>& warnings) {
  ConstraintCompiler& compiler = engine.constraints();
  const ToolChoice& choice = request.tool_choice;
  const bool must_call =
      choice.kind == ToolChoice::Kind::kRequired || choice.kind == ToolChoice::Kind::kNamed;
  // A call that must come leaves no room for a format.
  if (must_call) return tools_constraint(compiler, plan, request, true, stop, warnings);
  auto format = format_constraint(compiler, request.format, stop, warnings);
  if (!format) return format;
  if (!plan.parses_tool_calls) return format;
  // Text that is free may turn into a call; JSON may be replaced by one.
  auto calls = tools_constraint(compiler, plan, request, *format != nullptr, stop, warnings);
  if (!calls || !*format) return calls;
  return either_constraint(*std::move(format), *std::move(calls));
}

std::expected<void, ApiError> add_chat_prompt(const Engine& engine,
                                              const GenerationRequest& request,
                                              const Caller& caller,
                                              const GenerationOptions& options,
                                              GenerationPlan& plan, CompletionRequest& base) {
  const auto& chat = std::get<ChatRequest>(request.input);
  if (chat.messages.empty())
    return refuse("messages is empty: there is nothing to answer", "messages");
  auto prompt = prompt_of(engine, request, caller, options);
  if (!prompt) return Refusal(std::move(prompt).error());
  GenerationPlan::Prompt facts;
  facts.n_tokens = static_cast<int>(prompt->ids.size());
  facts.opening = std::move(prompt->opening);
  facts.message_begins = std::move(prompt->message_begins);
  facts.tools_begin = prompt->tools_begin;
  facts.n_system_tokens = prompt->n_system_tokens;
  facts.n_restored_reasonings = prompt->n_restored_reasonings;
  plan.prompts.push_back(std::move(facts));
  plan.tools = chat.tools;
  plan.warnings.insert(plan.warnings.end(), chat.warnings.begin(), chat.warnings.end());

  base.starts_in_reasoning = prompt->ends_in_reasoning;
  if (options.share_system_prefix) base.n_shared_prefix = prompt->n_system_tokens;
  if (request.thinking.enabled) base.reasoning_budget = request.thinking.budget_tokens.value_or(-1);
  if (options.script != nullptr) {
    if (const std::string* answer = options.script->find(chat)) {
      base.script = engine.tokenizer().encode(*answer, SpecialTokens::kParse);
    }
  }
  base.prompt = std::move(prompt->ids);
  return {};
}

// A prompt of /v1/completions: markers in it are meant, as its writer brings the whole frame.
CompletionRequest plain_prompt(const Engine& engine, const GenerationOptions& options,
                               std::vector<std::int32_t> ids, std::string text, bool echo,
                               CompletionRequest base, GenerationPlan& plan) {
  GenerationPlan::Prompt facts;
  facts.n_tokens = static_cast<int>(ids.size());
  base.starts_in_reasoning = prompt_ends_in_reasoning(text);
  if (options.script != nullptr) {
    if (const std::string* answer = options.script->find(text)) {
      base.script = engine.tokenizer().encode(*answer, SpecialTokens::kParse);
    }
  }
  if (echo) facts.text = std::move(text);
  plan.prompts.push_back(std::move(facts));
  base.prompt = std::move(ids);
  return base;
}

std::vector<CompletionRequest> plain_prompts(const Engine& engine, const GenerationOptions& options,
                                             const GenerationRequest& request,
                                             const CompletionRequest& base, GenerationPlan& plan) {
  std::vector<CompletionRequest> completions;
  const Tokenizer& tokenizer = engine.tokenizer();
  if (const auto* texts = std::get_if<std::vector<std::string>>(&request.input)) {
    for (const std::string& text : *texts) {
      completions.push_back(
          plain_prompt(engine, options, tokenizer.encode(text, SpecialTokens::kParse, options.stop),
                       text, request.echo, base, plan));
    }
  } else if (const auto* lists =
                 std::get_if<std::vector<std::vector<std::int32_t>>>(&request.input)) {
    for (const auto& ids : *lists) {
      completions.push_back(
          plain_prompt(engine, options, ids, tokenizer.decode(ids), request.echo, base, plan));
    }
  }
  return completions;
}

std::expected<void, ApiError> fit_to_context(const Engine& engine, const std::optional<int>& wished,
                                             int key_limit, CompletionRequest& completion) {
  const int context = engine.facts().context_length;
  const auto n = static_cast<int>(completion.prompt.size());
  if (n >= context) {
    ApiError error;
    error.kind = ApiErrorKind::kContextOverflow;
    error.message = fmt::format(
        "the prompt is {} tokens long and the context holds {}, of which the answer needs one at "
        "least: shorten the conversation, or start the server with a larger context (-c)",
        n, context);
    error.n_prompt_tokens = n;
    error.context_length = context;
    return Refusal(std::move(error));
  }
  const int room = context - n;
  completion.max_tokens = std::min(wished.value_or(room), room);
  if (key_limit > 0) completion.max_tokens = std::min(completion.max_tokens, key_limit);
  return {};
}

std::expected<void, ApiError> check(const GenerationRequest& request, const Caller& caller) {
  if (request.max_tokens && *request.max_tokens < 1 && !request.prompt_only) {
    return refuse(fmt::format("max_tokens is {}, and must be at least 1", *request.max_tokens),
                  "max_tokens");
  }
  if (request.n < 1 || request.n > kMostChoices) {
    return refuse(fmt::format("n is {}, and must be between 1 and {}", request.n, kMostChoices),
                  "n");
  }
  for (const auto& deadline : {request.deadline_s, caller.deadline_s}) {
    if (deadline && !(*deadline > 0 && *deadline <= kLongestDeadlineS)) {
      return refuse(fmt::format("the deadline is {} seconds, and must be between 0 and {}",
                                *deadline, kLongestDeadlineS),
                    "deadline_seconds");
    }
  }
  return {};
}

CompletionRequest base_completion(const Engine& engine, const GenerationRequest& request,
                                  const Caller& caller) {
  CompletionRequest base;
  base.sampling = sampling_of(request.sampling, engine.default_sampling());
  base.stop_strings = request.stop;
  base.n_logprobs = request.n_logprobs;
  base.priority = caller.priority.value_or(request.priority.value_or(Priority::kInteractive));
  // A key for background work does not promote itself.
  if (caller.default_priority == Priority::kBackground) base.priority = Priority::kBackground;
  base.client = caller.client;
  base.cache_scope = caller.cache_scope;
  if (const auto deadline = caller.deadline_s ? caller.deadline_s : request.deadline_s) {
    using Clock = std::chrono::steady_clock;
    base.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(*deadline));
  }
  if (request.tool_choice.kind == ToolChoice::Kind::kNone) {
    // The tools stay in the prompt, so that its beginning stays the same; only no call may begin.
    if (const auto id = engine.tokenizer().special_token(kToolCallBlockBegin)) {
      base.sampling.logit_bias.emplace_back(*id, kNever);
    }
  }
  return base;
}

// n answers to each prompt, each with a constraint and a seed of its own.
std::expected<void, ApiError> add_completions(const Engine& engine,
                                              const GenerationRequest& request,
                                              const Caller& caller, const std::stop_token& stop,
                                              std::vector<CompletionRequest> prompts,
                                              GenerationPlan& plan) {
  for (CompletionRequest& prompt : prompts) {
    const auto wished = request.prompt_only ? std::optional<int>(1) : request.max_tokens;
    if (auto fits = fit_to_context(engine, wished, caller.max_tokens, prompt); !fits) {
      return fits;
    }
    for (int i = 0; i < request.n; ++i) {
      CompletionRequest& completion = plan.completions.emplace_back(prompt);
      auto constraint = constraint_of(engine, plan, request, stop, plan.warnings);
      if (!constraint) return Refusal(std::move(constraint).error());
      completion.constraint = *std::move(constraint);
      if (completion.sampling.seed) *completion.sampling.seed += static_cast<std::uint64_t>(i);
    }
  }
  return {};
}

}  // namespace

std::string thinking_of(const GenerationRequest& request) {
  if (!request.thinking.enabled) return "off";
  if (const auto budget = request.thinking.budget_tokens; budget.value_or(-1) >= 0) {
    return fmt::format("budget {}", *budget);
  }
  return "on";
}

std::expected<GenerationPlan, ApiError> plan_generation(const Engine& engine,
                                                        GenerationRequest request,
                                                        const Caller& caller,
                                                        const GenerationOptions& options) {
  if (auto good = check(request, caller); !good) return Refusal(std::move(good).error());
  GenerationPlan plan;
  plan.n_per_prompt = request.n;
  plan.is_chat = std::holds_alternative<ChatRequest>(request.input);
  plan.prompt_only = request.prompt_only;
  plan.call_id_prefix = request.call_id_prefix;
  plan.wants_progress = request.return_progress;
  plan.wants_logprobs = request.n_logprobs >= 0;
  plan.is_streamed = request.stream;
  plan.warnings = request.warnings;

  CompletionRequest base = base_completion(engine, request, caller);
  std::vector<CompletionRequest> prompts;
  if (plan.is_chat) {
    if (auto added = add_chat_prompt(engine, request, caller, options, plan, base); !added) {
      return Refusal(std::move(added).error());
    }
    plan.parses_tool_calls =
        !plan.tools.empty() && request.tool_choice.kind != ToolChoice::Kind::kNone;
    prompts.push_back(std::move(base));
  } else {
    prompts = plain_prompts(engine, options, request, base, plan);
    if (prompts.empty()) return refuse("prompt is empty: there is nothing to go on from", "prompt");
  }
  if (prompts.size() * static_cast<std::size_t>(request.n) > kMostChoices) {
    return refuse(fmt::format("{} prompts with n {} are more than {} answers", prompts.size(),
                              request.n, kMostChoices),
                  "n");
  }
  // What was given up has no plan, however far it came.
  if (options.stop.stop_requested()) return refuse("given up: nobody waits for it any more");
  plan.thinking = thinking_of(request);
  if (auto added = add_completions(engine, request, caller, options.stop, std::move(prompts), plan);
      !added) {
    return Refusal(std::move(added).error());
  }
  return plan;
}

std::expected<int, ApiError> count_prompt_tokens(const Engine& engine,
                                                 const GenerationRequest& request,
                                                 const Caller& caller,
                                                 const GenerationOptions& options) {
  if (!std::holds_alternative<ChatRequest>(request.input)) {
    return refuse("only the tokens of a conversation can be counted");
  }
  const auto prompt = prompt_of(engine, request, caller, options);
  if (!prompt) return Refusal(prompt.error());
  return static_cast<int>(prompt->ids.size());
}

}  // namespace jevons
