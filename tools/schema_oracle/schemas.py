"""Random JSON schemas, and values that are likely to satisfy them."""

import random

PATTERNS = [
    "^[a-z]+$", "^[A-Z]{2,4}-[0-9]{3}$", "foo", "^(a|bc)*d?$", "^[^,;]{1,6}$", "x.z", "^\\d{1,5}$",
    "^[\\w.-]{1,8}$", "^#?([0-9a-f]{3}|[0-9a-f]{6})$", "[aeiou]$", "^$", "^\\+?\\d+( \\d+)*$",
    "^(?:red|green|blue)$", "^.{2,5}$", "^[\u00e4\u00f6\u00fc]+$", "^\\/[a-z]+\\/$", "^\"?a\"?$",
]
PATTERN_TEXTS = ["abc", "AB-123", "xfoox", "abcbcd", "hello", "xyz", "12345", "a.b-c", "#ff0000",
                 "fff", "aei", "", "+49 12 345", "red", "\u00e4\u00f6", "/usr/", "\"a\"", "a"]
FORMAT_TEXTS = {
    "date": ["2024-02-29", "1999-12-31", "2023-02-29", "2000-02-29", "1900-02-29", "0001-01-01"],
    "time": ["12:34:56Z", "23:59:59.123+01:00", "24:00:00Z", "12:00"],
    "date-time": ["2024-02-29T12:34:56Z", "2024-01-01T00:00:00.5-05:30", "2024-01-01 00:00:00Z"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"],
    "email": ["a.b@example.org", "nobody"],
    "ipv4": ["127.0.0.1", "255.255.255.255", "256.0.0.1", "01.2.3.4"],
}
NAMES = ["a", "b", "name", "id", "value", "next", "items", "\u00e9t\u00e9", "with space", "q\"uote",
         "x/y", "A", "list", "kind"]
TEXTS = ["", "a", "abc", "hello world", "\u00fc\u00df", "\U0001f600", "line\nbreak", "quote\"",
         "back\\",
         "tab\t", "</parameter>", "null", "42", "true", "[1]", "{}"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.defs = {}

    def chance(self, p):
        return self.random.random() < p

    def schema(self):
        """A whole schema, with definitions that may refer to each other."""
        self.defs = {name: None for name in self.random.sample(["node", "leaf", "pair"],
                                                               self.random.randint(0, 2))}
        for name in list(self.defs):
            self.defs[name] = self.part(2)
        root = self.part(3)
        if self.defs and isinstance(root, dict):
            root = dict(root)
            root["$defs"] = self.defs
        return root

    def part(self, depth):
        r = self.random
        if self.chance(0.03):
            return True
        if self.chance(0.05) and self.defs:
            return {"$ref": "#/$defs/" + r.choice(list(self.defs))}
        makers = [self.string, self.string, self.number, self.integer, self.constant, self.choice,
                  self.simple]
        if depth > 0:
            makers += [self.array, self.array, self.object, self.object, self.object, self.any_of,
                       self.all_of, self.one_of, self.mixed]
        made = r.choice(makers)(depth)
        if isinstance(made, dict) and self.chance(0.2):
            made["description"] = "What it is."
        return made

    def simple(self, _depth):
        return {"type": self.random.choice(["null", "boolean", "string", "integer", "number"])}

    def mixed(self, depth):
        kinds = self.random.sample(["null", "boolean", "string", "integer", "object"], 2)
        made = {"type": kinds}
        if "object" in kinds and self.chance(0.5):
            made.update({k: v for k, v in self.object(depth).items() if k != "type"})
        return made

    def constant(self, _depth):
        return {"const": self.random.choice([1, "x", None, True, 2.5, {"a": [1, None]}, [],
                                             "\u00e9\n"])}

    def choice(self, _depth):
        values = self.random.sample(["red", "green", 1, 2.5, None, True, "a\"b", [1], {"k": 1},
                                     "long text with spaces", -3, "<b>"], self.random.randint(1, 5))
        made = {"enum": values}
        if self.chance(0.2):
            made["type"] = self.random.choice(["string", "integer", "object"])
        return made

    def string(self, _depth):
        made = {"type": "string"}
        r = self.random
        if self.chance(0.3):
            made["minLength"] = r.randint(0, 4)
        if self.chance(0.3):
            made["maxLength"] = r.randint(2, 12)
        if self.chance(0.35):
            made["pattern"] = r.choice(PATTERNS)
        elif self.chance(0.25):
            made["format"] = r.choice(list(FORMAT_TEXTS))
            made.pop("maxLength", None)
        return made

    def bounds(self, values):
        made = {}
        low, high = sorted(self.random.sample(values, 2))
        if self.chance(0.5):
            made[self.random.choice(["minimum", "exclusiveMinimum"])] = low
        if self.chance(0.5):
            made[self.random.choice(["maximum", "exclusiveMaximum"])] = high
        return made

    def integer(self, _depth):
        made = {"type": "integer"}
        made.update(self.bounds([-1000, -37, -1, 0, 1, 2, 9, 10, 11, 99, 150, 1000, 12345,
                                 0.5, -2.5]))
        if self.chance(0.15):
            made["multipleOf"] = self.random.choice([2, 5, 7, 10])
        return made

    def number(self, _depth):
        made = {"type": "number"}
        made.update(self.bounds([-100, -1.5, -0.25, 0, 0.001, 0.5, 1, 1.5, 2, 99.99, 1e3,
                                 12345.678]))
        return made

    def array(self, depth):
        made = {"type": "array"}
        r = self.random
        if self.chance(0.8):
            made["items"] = self.part(depth - 1)
        if self.chance(0.25):
            made["prefixItems"] = [self.part(depth - 1) for _ in range(r.randint(1, 3))]
        if self.chance(0.3):
            made["minItems"] = r.randint(0, 3)
        if self.chance(0.4):
            made["maxItems"] = r.randint(1, 5)
        return made

    def object(self, depth):
        r = self.random
        made = {"type": "object"}
        names = r.sample(NAMES, r.randint(0, 4))
        if names or self.chance(0.5):
            made["properties"] = {name: self.part(depth - 1) for name in names}
        if names and self.chance(0.7):
            made["required"] = r.sample(names, r.randint(1, len(names)))
            if self.chance(0.1):
                made["required"].append("undeclared")
        if self.chance(0.6):
            made["additionalProperties"] = r.choice([False, False, True, None])
            if made["additionalProperties"] is None:
                made["additionalProperties"] = self.part(depth - 1)
        if self.chance(0.1):
            made["minProperties"] = r.randint(0, 2)
        if self.chance(0.1):
            made["maxProperties"] = r.randint(1, 4)
        return made

    def any_of(self, depth):
        made = {"anyOf": [self.part(depth - 1) for _ in range(self.random.randint(1, 3))]}
        if self.chance(0.2):
            made.update(self.object(depth))
        return made

    def one_of(self, depth):
        r = self.random
        if self.chance(0.5):
            return {"oneOf": [{"type": kind} for kind in
                              r.sample(["null", "boolean", "string", "integer"], 2)]}
        branches = []
        for kind in r.sample(["circle", "square", "line"], r.randint(2, 3)):
            branch = self.object(depth)
            branch["properties"] = {"kind": {"const": kind}, **{
                k: v for k, v in branch.get("properties", {}).items() if k != "kind"}}
            branch["required"] = ["kind"] + [
                name for name in branch.get("required", []) if name != "kind"]
            branch.pop("maxProperties", None)
            branches.append(branch)
        return {"oneOf": branches}

    def all_of(self, depth):
        kind = self.random.choice([self.object, self.string, self.integer, self.array])
        return {"allOf": [kind(depth) for _ in range(2)]}


class Instances:
    """Values that a schema probably accepts. Objects have their keys in the order of the schema."""

    def __init__(self, root, seed):
        self.root = root
        self.random = random.Random(seed)

    def make(self, schema, depth=0):
        r = self.random
        if schema is True or schema == {}:
            return r.choice([None, True, 0, -1.5, "free", [], {}, [1, {"a": None}]])
        if schema is False or depth > 12:
            return None
        nodes = self.gathered(schema, depth)
        for node in nodes:
            if "const" in node:
                return node["const"]
            if "enum" in node:
                return r.choice(node["enum"]) if node["enum"] else None
        kinds = None
        for node in nodes:
            if "type" in node:
                named = node["type"] if isinstance(node["type"], list) else [node["type"]]
                kinds = named if kinds is None else [k for k in kinds if k in named] or kinds
        if kinds is None:
            kinds = ["object"] if any("properties" in n for n in nodes) else ["string", "array"]
        return getattr(self, "make_" + r.choice(kinds))(nodes, depth)

    def gathered(self, schema, depth):
        """The schema and all that hold with it, one branch of each choice."""
        if not isinstance(schema, dict) or depth > 20:
            return []
        nodes = [schema]
        if "$ref" in schema:
            target = self.root
            for key in schema["$ref"].split("/")[1:]:
                target = target[key]
            nodes += self.gathered(target, depth + 1)
        for part in schema.get("allOf", []):
            nodes += self.gathered(part, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                nodes += self.gathered(self.random.choice(schema[keyword]), depth + 1)
        return nodes

    def make_null(self, _nodes, _depth):
        return None

    def make_boolean(self, _nodes, _depth):
        return self.chance(0.5)

    def chance(self, p):
        return self.random.random() < p

    def make_string(self, nodes, _depth):
        for node in nodes:
            if "format" in node:
                return self.random.choice(FORMAT_TEXTS[node["format"]])
        if any("pattern" in node for node in nodes):
            return self.random.choice(PATTERN_TEXTS)
        text = self.random.choice(TEXTS)
        least = max([node.get("minLength", 0) for node in nodes])
        most = min([node.get("maxLength", 99) for node in nodes])
        return (text + "x" * max(0, least - len(text)))[:most]

    def make_integer(self, nodes, _depth):
        values = [0, 1, -1, 7, 10, 42, 100, -38, 151, 9999]
        for node in nodes:
            for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                if key in node:
                    values += [int(node[key]), int(node[key]) + 1, int(node[key]) - 1] * 2
        return self.random.choice(values)

    def make_number(self, nodes, depth):
        if self.chance(0.4):
            return self.make_integer(nodes, depth)
        values = [0.5, -0.25, 1.25, 99.5, 0.001, 1e-05]
        for node in nodes:
            for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                if key in node:
                    values += [round(node[key] + delta, 4) for delta in (0, 0.01, -0.01, 0.1)]
        return self.random.choice(values)

    def make_array(self, nodes, depth):
        least = max([node.get("minItems", 0) for node in nodes])
        most = min([node.get("maxItems", least + 2) for node in nodes])
        n = self.random.randint(least, max(least, most))
        made = []
        for i in range(n):
            schema = True
            for node in nodes:
                prefix = node.get("prefixItems", [])
                if i < len(prefix):
                    schema = prefix[i]
                elif "items" in node:
                    schema = node["items"]
            made.append(self.make(schema, depth + 1))
        return made

    def make_object(self, nodes, depth):
        made = {}
        required = {name for node in nodes for name in node.get("required", [])}
        for node in nodes:
            for name, schema in node.get("properties", {}).items():
                if name in made or (name not in required and self.chance(0.5)):
                    continue
                made[name] = self.make(schema, depth + 1)
        for node in nodes:
            for name in node.get("required", []):
                if name not in made:
                    others = node.get("additionalProperties", True)
                    made[name] = self.make(others, depth + 1)
        for node in nodes:
            others = node.get("additionalProperties")
            if others not in (None, False) and self.chance(0.4):
                made.setdefault("other", self.make(others, depth + 1))
        return made

    def mutated(self, value):
        """Something near `value` that may not be accepted any more."""
        r = self.random
        if isinstance(value, dict) and value and self.chance(0.8):
            made = dict(value)
            name = r.choice(list(made))
            if self.chance(0.3):
                del made[name]
            elif self.chance(0.3):
                made["surplus"] = 1
            else:
                made[name] = self.mutated(made[name])
            return made
        if isinstance(value, list) and value and self.chance(0.8):
            made = list(value)
            i = r.randrange(len(made))
            if self.chance(0.3):
                made.pop(i)
            elif self.chance(0.3):
                made.append(made[i])
            else:
                made[i] = self.mutated(made[i])
            return made
        if isinstance(value, str) and self.chance(0.6):
            return r.choice([value + "x", value[1:], value.upper(), value + "0"])
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self.chance(0.6):
            return r.choice([value + 1, value - 1, value * 100, -value, value + 0.5])
        return r.choice([None, True, 3, -1.25, "text", [], {}, [None], {"x": 1}])
