"""Schemas that are large, deep, or explode: cases in the form of the files."""


def closed(properties, required=None):
    return {"type": "object", "properties": properties, "additionalProperties": False,
            "required": list(properties) if required is None else required}


def nested(n_levels, around, inside):
    for _ in range(n_levels):
        inside = around(inside)
    return inside


def full_list(inside):
    return {"type": "array", "items": inside, "minItems": 1}


def chain(n, link):
    """Definitions of which each leads to the next."""
    defs = {f"d{i}": link({"$ref": f"#/$defs/d{i + 1}"}) for i in range(n)}
    return {"$defs": {**defs, f"d{n}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


def case(name, schema, **expected):
    return {"name": name, "schema": schema, **expected}


def hostile_cases():
    string, integer = {"type": "string"}, {"type": "integer"}
    flags = {f"p{i}": {"type": "boolean"} for i in range(60)}
    return [
        case("large enum", {"enum": [f"choice number {i}" for i in range(1000)]},
             valid=["choice number 0", "choice number 999"], invalid=["choice number 1000"]),
        case("hostile enum", {"enum": [f"{i}-" + "x" * 90 for i in range(9000)]},
             error="too complex"),
        case("many properties", closed({f"p{i}": integer for i in range(200)}, []),
             valid=[{}, {"p0": 1, "p199": 2}], invalid=[{"p200": 1}]),
        case("many required", closed(flags), valid=[{name: True for name in flags}],
             invalid=[{"p0": True}]),
        case("sixty deep", nested(60, lambda inside: closed({"d": inside}), integer)),
        case("eighty lists deep", nested(80, full_list, integer)),
        case("a hundred and twenty lists deep", nested(120, full_list, integer),
             error="nested deeper"),
        case("as deep as one likes",
             nested(120, lambda inside: {"type": "array", "items": inside}, integer),
             valid=[[], [[]], [[[[[]]]]]], invalid=[[1]]),
        case("exponential any of",
             {"allOf": [{"anyOf": [{"minimum": i}, {"maximum": -i}]} for i in range(1, 20)]},
             error="too complex"),
        case("exponential all of", chain(40, lambda there: {"allOf": [there, there]}),
             error="too complex"),
        case("wide any of", {"anyOf": [{"const": i} for i in range(300)]}, valid=[0, 299],
             invalid=[300]),
        case("too wide any of", {"anyOf": [{"const": i} for i in range(3000)]},
             error="too complex"),
        case("long chain of references", chain(200, lambda there: there), valid=[1],
             invalid=["a"]),
        case("long chain of objects", chain(90, lambda there: closed({"x": there}))),
        case("every property a choice",
             closed({f"p{i}": {"anyOf": [string, integer, {"type": "null"}, closed({"x": string})]}
                     for i in range(40)})),
        case("many objects",
             closed({f"g{g}": closed({f"p{i}": string for i in range(20)}, [])
                     for g in range(20)}, []),
             valid=[{}, {"g3": {"p1": "x"}}]),
        case("too many objects",
             closed({f"g{g}": closed({f"property_with_a_long_name_{i}":
                                      {"type": "string", "maxLength": i} for i in range(120)}, [])
                     for g in range(100)}, []),
             error="too large"),
    ]
