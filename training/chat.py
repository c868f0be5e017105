"""The M2.5 chat format, in pieces that carry a training weight.

render() gives the same text as chat_template.jinja (checked by check_template).
"""
import json

IDENTITY = "You are a helpful assistant. Your name is Nano and is built by the Jevons project."
TOOL_INTRO = ("\n\n# Tools\nYou may call one or more tools to assist with the user query.\n"
              "Here are the tools available in JSONSchema format:\n\n<tools>\n")
TOOL_OUTRO = ("</tools>\n\nWhen making tool calls, use XML format to invoke tools and pass "
              "parameters:\n\n<minimax:tool_call>\n<invoke name=\"tool-name-1\">\n"
              "<parameter name=\"param-key-1\">param-value-1</parameter>\n"
              "<parameter name=\"param-key-2\">param-value-2</parameter>\n...\n</invoke>\n"
              "</minimax:tool_call>")


def system_text(system, tools):
    """The system block that opens every conversation."""
    text = "]~!b[]~b]system\n" + (system or IDENTITY)
    if tools:
        text += TOOL_INTRO
        for tool in tools:
            text += f"<tool>{json.dumps(tool, ensure_ascii=False)}</tool>\n"
        text += TOOL_OUTRO
    return text + "[e~[\n"


def calls_text(calls):
    """The tool call block of an assistant turn: calls is [(name, {key: value})]."""
    if not calls:
        return ""
    text = "\n<minimax:tool_call>\n"
    for name, arguments in calls:
        text += f"<invoke name=\"{name}\">\n"
        for key, value in arguments.items():
            value = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text += f"<parameter name=\"{key}\">{value}</parameter>\n"
        text += "</invoke>\n"
    return text + "</minimax:tool_call>"


def user(text):
    """A user message."""
    return {"role": "user", "content": text}


def assistant(thought, content, calls=(), check=None):
    """An assistant message with its reasoning.

    check says which other answers are as good, for evaluation only; None is the content, word for
    word. {"any": [text]}: one of these texts. {"words": ["a|b", "c"]}: all of these words stand
    somewhere in the answer, in either case; | separates alternatives. {"json": value}: the answer
    is JSON and equal to this value.
    """
    return {"role": "assistant", "reasoning_content": thought, "content": content,
            "calls": list(calls), "check": check}


def tool(*results):
    """A run of tool results."""
    return {"role": "tool", "results": results}


def render(messages):
    """Pieces [(text, kind)] of a conversation without its system block.

    Kinds: "given" (prompt), "user" (what people write), "answer" (what the
    model has to write) and "past" (answers of earlier turns, without thoughts).
    """
    last_user = max(i for i, m in enumerate(messages) if m["role"] == "user")
    pieces = []
    for i, message in enumerate(messages):
        if message["role"] == "user":
            pieces += [("]~b]user\n", "given"), (message["content"] + "[e~[", "user"),
                       ("\n", "given")]
        elif message["role"] == "tool":
            text = "".join(f"\n<response>{r}</response>" for r in message["results"])
            pieces.append(("]~b]tool" + text + "[e~[\n", "given"))
        else:
            text = message["content"] + calls_text(message["calls"]) + "[e~["
            if i > last_user:
                pieces += [("]~b]ai\n<think>\n", "given"),
                           (message["reasoning_content"] + "\n</think>\n\n" + text, "answer"),
                           ("\n", "given")]
            else:
                pieces += [("]~b]ai\n", "given"), (text, "past"), ("\n", "given")]
    return pieces
