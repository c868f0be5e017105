"""The turns of a running `jevons serve` for held-out cases, written back in the chat format."""
import concurrent.futures
import json
import urllib.request

import chat

AT_ONCE = 4


def messages(case):
    """The messages of a case as chat completions takes them."""
    out, ids, n = [], [], 0
    if case.system:
        out.append({"role": "system", "content": case.system})
    for m in case.messages:
        if m["role"] == "tool":
            out += [{"role": "tool", "tool_call_id": i, "content": r}
                    for i, r in zip(ids, m["results"])]
            continue
        new = {"role": m["role"], "content": m["content"]}
        if m["role"] == "assistant":
            new["reasoning_content"] = m["reasoning_content"]
            ids = [f"call_{n + i}" for i in range(len(m["calls"]))]
            n += len(ids)
            calls = [{"id": i, "type": "function", "function": {
                "name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}}
                for i, (name, arguments) in zip(ids, m["calls"])]
            new |= {"tool_calls": calls} if calls else {}
        out.append(new)
    return out


def as_text(choice):
    """A reply as the model wrote it; without the end token if it was cut off."""
    message = choice["message"]
    calls = [(c["function"]["name"], json.loads(c["function"]["arguments"] or "{}"))
             for c in message.get("tool_calls") or []]
    thought, content = message.get("reasoning_content") or "", message["content"] or ""
    if choice["finish_reason"] == "length":
        # with nothing behind the thought, it was still going on
        return f"{thought}\n</think>\n\n{content}" if content or calls else thought
    return f"{thought}\n</think>\n\n{content}{chat.calls_text(calls)}[e~["


def complete(url, cases, max_tokens, temperature=None):
    """The texts that follow the prompts; temperature None is the server's own."""
    def ask(case):
        body = {"model": "nano", "messages": messages(case), "max_tokens": max_tokens, "seed": 7}
        if case.tools:
            body["tools"] = [{"type": "function", "function": t} for t in case.tools]
        if temperature is not None:
            body["temperature"] = temperature
        request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=600) as reply:
            return as_text(json.load(reply)["choices"][0])
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, cases))
