"""Other tools than calculator and clock, with parameters that differ in name."""
import lexicon
import smalltalk
from chat import assistant, tool, user
from wording import ask, longest_words, numeral, read_blocks

KINDS = read_blocks("moretools.txt")
MAKERS = tuple(KINDS)
SKIES = ("sunny", "cloudy", "light rain", "snow", "fog", "windy", "clear sky", "heavy rain",
         "thunderstorm", "partly cloudy", "drizzle", "hail", "overcast", "mild")
LANGUAGES = ("German French Spanish Italian Dutch Polish Swedish Danish Turkish Greek Finnish "
             "Portuguese Czech Norwegian Hungarian").split()
STYLES = ("jazz", "some blues", "folk songs", "piano music", "soft rock", "an opera", "quiet music",
          "a waltz", "dance music", "guitar music", "old hits", "birdsong", "choir music")


def schema(name, description, properties):
    """A tool whose parameters are all required strings."""
    return {"name": name, "description": description, "parameters": {
        "type": "object", "properties": {k: {"type": "string"} for k in properties},
        "required": list(properties)}}


def words(rng, low=2, high=6):
    """A few random words."""
    return " ".join(rng.choice(smalltalk.WORDS) for _ in range(rng.randint(low, high)))


def values(rng, held, kind):
    """Values of the parameters, and what the tool gives back."""
    if kind == "weather":
        return [lexicon.fitting(rng, held, lexicon.place)], (
            f"{rng.randint(-9, 35)} C, {rng.choice(SKIES)}")
    if kind == "search":
        topic = rng.choice(lexicon.TOPICS) if rng.random() < 0.5 else words(rng, 1, 3)
        return [topic], words(rng).capitalize() + "."
    if kind == "read":
        return [lexicon.fitting(rng, held, lexicon.path)], words(rng)
    if kind == "message":
        return [lexicon.person(rng), words(rng, 1, 5)], "sent"
    if kind == "translate":
        said = rng.choice(smalltalk.PHRASES) if rng.random() < 0.5 else words(rng, 1, 4)
        return [said, rng.choice(LANGUAGES)], lexicon.invented(rng) + " " + lexicon.invented(rng)
    if kind == "define":
        return [rng.choice(lexicon.NOUNS)], f"a kind of {lexicon.noun_phrase(rng)}"
    if kind == "timer":
        return [str(rng.randint(1, 90))], "started"
    return [rng.choice(STYLES) if rng.random() < 0.6 else lexicon.title(rng)], "playing"


def offer(rng, kind):
    """A tool of a kind."""
    block = KINDS[kind]
    return schema(rng.choice(block["F"]), rng.choice(block["D"]), rng.choice(block["P"]).split())


def turns(rng, held, kind, offered):
    """A conversation that uses a tool of a kind."""
    block = KINDS[kind]
    given, result = values(rng, held, kind)
    slots = dict(zip("ab", given))
    arguments = dict(zip(offered["parameters"]["properties"], given))
    listed = ", ".join(f"{key} {value}" for key, value in arguments.items())
    answer = block["A"][0].format(r=result, **slots)
    told = result.rstrip(".") if "{r}" in block["A"][0] else ""
    right = [numeral(w) if w.lstrip("-").isdigit() else w
             for w in longest_words(told, 2)] + block.get("K", [])
    return [user(ask(rng, block["Q"], held, ending=False, **slots)),
            assistant(f"I use the tool {offered['name']} with {listed}.", "",
                      [(offered["name"], arguments)]), tool(result),
            assistant(f"The tool says: {result}", answer, check={"words": right})]


def build(rng, held, kind):
    """A tool and one conversation that uses it."""
    offered = offer(rng, kind)
    return offered, turns(rng, held, kind, offered)


def any_tool(rng):
    """A random tool of this file."""
    return offer(rng, rng.choice(MAKERS))


def use(rng, held, offered):
    """A conversation that uses an offered tool, or None if it is not of this file."""
    for kind, block in KINDS.items():
        if offered["name"] in block["F"]:
            return turns(rng, held, kind, offered)
    return None
