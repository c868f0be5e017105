"""Random chat requests as JSON text, hostile on purpose.

Numbers are made as text (1E5, 1.50, integers of 40 digits) so that reading and writing them again
is tested too; strings contain the format's own markers, controls and characters of many scripts.
"""

import json
import random

FRAGMENTS = [
    "hello", " ", "\n", "\n\n", "\t", "\r\n", "a", "The quick brown fox", "0", "42", "null", "true",
    "{}", "[1, 2]", '"', "'", "\\", "\\n", "/", "<", ">", "&", "&lt;", "{{ x }}", "{% if %}",
    "{# c #}", "<think>", "</think>", "<think>\n", "\n</think>\n\n", "]~!b[", "]~b]", "]~b]user\n",
    "[e~[", "<minimax:tool_call>", "</minimax:tool_call>", '<invoke name="x">', "</invoke>",
    '<parameter name="a">', "</parameter>", "<response>", "</response>", "\x00", "\x01", "\x1f",
    "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\u00e9", "e\u0301", "\u67e5\u5929\u6c14",
    "\u0627\u0644", "\u0e01\u0e33", "\U0001f600", "\U0010ffff",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
]
NUMBERS = [
    "0", "-0", "1", "-17", "1.0", "-0.0", "1.50", "1e5", "1E+5", "1e-7",
    "123456789012345678901234567890", "9007199254740993", "1e16", "123456789.123456789", "0.1",
    "1e300", "5e-324", "18446744073709551616", "0.0001", "0.00001", "9999999999999998.0",
    "1e22", "1e23", "-2.5e-3",
]


class Number:
    """A number that is written as it stands."""

    def __init__(self, text):
        self.text = text


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, probability):
        return self.random.random() < probability

    def string(self, longest=6):
        return "".join(self.random.choices(FRAGMENTS, k=self.random.randint(0, longest)))

    def name(self):
        plain = ["get_weather", "write_file", "f", "search-web", "a.b", "\u540d"]
        return self.random.choice(plain) if self.chance(0.9) else self.string(2) or "x"

    def number(self):
        if self.chance(0.5):
            return Number(self.random.choice(NUMBERS))
        value = self.random.uniform(-1, 1) * 10 ** self.random.randint(-20, 25)
        return Number(repr(value) if self.chance(0.5) else str(int(value)))

    def value(self, depth=3):
        kind = self.random.randint(0, 4 if depth == 0 else 6)
        if kind == 0:
            return None
        if kind == 1:
            return self.chance(0.5)
        if kind == 2:
            return self.number()
        if kind <= 4:
            return self.string()
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return self.object(depth - 1)

    def object(self, depth=3):
        return {self.string(2): self.value(depth) for _ in range(self.random.randint(0, 4))}

    def parts(self):
        made = []
        for _ in range(self.random.randint(0, 3)):
            kind = self.random.randint(0, 5)
            if kind == 0:
                made.append({"type": "image_url", "image_url": {"url": "data:,"}})
            elif kind == 1:
                made.append(self.string())
            else:
                made.append({"type": "text", "text": self.string()})
        return made

    def put_content(self, message, may_be_missing=True):
        kind = self.random.randint(0, 9)
        if kind == 0 and may_be_missing:
            return
        message["content"] = None if kind == 1 else self.parts() if kind <= 3 else self.string()

    def system(self):
        message = {"role": "system"}
        self.put_content(message)
        for key in ("current_date", "current_location"):
            if self.chance(0.3):
                message[key] = self.string(2)
        return message

    def tool_call(self):
        arguments = self.object(2)
        if self.chance(0.3):
            arguments = write(arguments, self.chance(0.5))
        function = {"name": self.name(), "arguments": arguments}
        if self.chance(0.2):
            return function
        return {"id": self.string(1), "type": "function", "function": function}

    def assistant(self):
        message = {"role": "assistant"}
        self.put_content(message)
        if self.chance(0.5):
            message["reasoning_content"] = self.string() if self.chance(0.8) else None
        elif self.chance(0.5) and isinstance(message.get("content"), str):
            message["content"] = f"<think>\n{self.string(3)}\n</think>\n\n{message['content']}"
        if self.chance(0.5):
            message["tool_calls"] = [self.tool_call() for _ in range(self.random.randint(0, 3))]
        return message

    def tool_results(self):
        made = []
        for _ in range(self.random.randint(1, 3)):
            content = self.string()
            if self.chance(0.3):
                content = [self.tool_part() for _ in range(self.random.randint(0, 3))]
            made.append({"role": "tool", "tool_call_id": self.string(1), "content": content})
        return made

    def tool_part(self):
        kind = self.random.randint(0, 3)
        if kind == 0:
            return self.string()
        if kind == 1:
            return {"output": self.string()}
        return {"type": "text", "text": self.string()}

    def tool(self):
        function = {"name": self.name()}
        if self.chance(0.7):
            function["description"] = self.string()
        if self.chance(0.8):
            names = [self.name() for _ in range(self.random.randint(0, 3))]
            function["parameters"] = {
                "type": "object",
                "properties": {name: self.object(2) for name in names},
            }
            if self.chance(0.3):
                function["parameters"]["required"] = [self.name()]
        if self.chance(0.3):
            function[self.string(1)] = self.value()
        keys = list(function)
        self.random.shuffle(keys)
        return {"type": "function", "function": {key: function[key] for key in keys}}

    def messages(self):
        made = [self.system()] if self.chance(0.5) else []
        for _ in range(self.random.randint(0, 6)):
            kind = self.random.randint(0, 9)
            if kind <= 3:
                message = {"role": "user"}
                self.put_content(message)
                made.append(message)
            elif kind <= 7:
                message = self.assistant()
                made.append(message)
                if message.get("tool_calls") and self.chance(0.8):
                    made += self.tool_results()
            elif kind == 8 and self.chance(0.3):
                made += self.tool_results()
            elif made:
                made.append(self.system())
        return made

    def request(self):
        request = {"messages": self.messages()}
        if self.chance(0.5):
            request["tools"] = [self.tool() for _ in range(self.random.randint(0, 3))]
        return write(request, self.chance(0.5))


def write(value, ascii_only):
    """JSON text on one line, numbers as they stand."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, list):
        return "[" + ",".join(write(item, ascii_only) for item in value) + "]"
    if isinstance(value, dict):
        members = (json.dumps(key, ensure_ascii=ascii_only) + ":" + write(item, ascii_only)
                   for key, item in value.items())
        return "{" + ",".join(members) + "}"
    return json.dumps(value, ensure_ascii=ascii_only)
