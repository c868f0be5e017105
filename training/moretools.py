"""Other tools than calculator and clock, with parameters that differ in name."""
from chat import assistant, tool, user
from wording import choose, dress
import smalltalk

CITIES = sorted(set(smalltalk.CAPITALS.values())) + ["Hamburg", "Milan", "Boston", "Sydney",
                                                     "Toronto", "Geneva", "Porto", "Kyoto"]
SKIES = ("sunny", "cloudy", "light rain", "snow", "fog", "windy", "clear sky", "heavy rain")
PATHS = ("notes.txt", "todo.md", "src/main.cpp", "README.md", "data/list.csv", "log.txt",
         "config.toml", "docs/plan.md", "letter.txt", "results.json")
TOPICS = ("tea", "old maps", "wind power", "mountain huts", "the Jevons paradox", "bread",
          "sparse models", "river fish", "night trains", "garden birds", "energy prices",
          "memory chips", "chess openings", "the moon", "city trees", "solar cells")


def schema(name, description, properties):
    """A tool whose parameters are all required strings."""
    return {"name": name, "description": description, "parameters": {
        "type": "object", "properties": {k: {"type": "string"} for k in properties},
        "required": list(properties)}}


def words(rng, low=2, high=6):
    """A few random words."""
    return " ".join(rng.choice(smalltalk.WORDS) for _ in range(rng.randint(low, high)))


def weather(rng, held):
    """Weather of a city."""
    key = rng.choice(("city", "location", "place"))
    offered = schema(rng.choice(("get_weather", "weather", "current_weather")),
                     rng.choice(("Get the weather of a city.", "Get the current weather.")), [key])
    city = choose(rng, CITIES, held)
    question = choose(rng, ("What is the weather in {}?", "How is the weather in {}?",
                      "Tell me the weather in {}.", "Weather in {}?", "Is it raining in {}?",
                      "What's the weather like in {}?"), held).format(city)
    result = f"{rng.randint(-9, 35)} C, {rng.choice(SKIES)}"
    return offered, question, {key: city}, result, f"The weather in {city}: {result}."


def search(rng, held):
    """Searching for a topic."""
    key = rng.choice(("query", "q", "text"))
    offered = schema(rng.choice(("search", "web_search", "search_web")),
                     rng.choice(("Search the web.", "Search for pages.")), [key])
    topic = choose(rng, TOPICS, held) if rng.random() < 0.5 else words(rng, 1, 3)
    question = choose(rng, ("Search the web for {}.", "Search for {}.", "Look up {}.",
                      "Find something about {}.", "Can you search for {}?",
                      "Please look up {}."), held).format(topic)
    result = words(rng).capitalize() + "."
    return offered, question, {key: topic}, result, f"I found this: {result}"


def read_file(rng, held):
    """Reading a file."""
    key = rng.choice(("path", "file", "filename"))
    offered = schema(rng.choice(("read_file", "open_file", "cat")), "Read a file.", [key])
    path = choose(rng, PATHS, held)
    question = choose(rng, ("Read the file {}.", "What is in {}?", "Show me {}.", "Open {}.",
                      "What does {} say?", "Please read {}."), held).format(path)
    result = words(rng)
    return offered, question, {key: path}, result, f"The file {path} says: {result}"


def message(rng, held):
    """Sending a message: two parameters."""
    to, text = rng.choice((("to", "text"), ("name", "message"), ("recipient", "body")))
    offered = schema(rng.choice(("send_message", "send", "message")), "Send a message.",
                     [to, text])
    name, said = choose(rng, smalltalk.NAMES, held), words(rng, 1, 4)
    question = choose(rng, ("Send {n} the message: {t}", "Tell {n}: {t}", "Write to {n}: {t}",
                      "Send this to {n}: {t}", "Please tell {n}: {t}"), held).format(
                          n=name, t=said)
    return offered, question, {to: name, text: said}, "sent", f"I sent the message to {name}."


def build(rng, held, maker):
    """A tool and one conversation that uses it."""
    offered, question, arguments, result, answer = maker(rng, held)
    thought = rng.choice(("I use the tool {}.", "The tool {} can do this.")).format(
        offered["name"])
    return offered, [user(question if held else dress(rng, question)),
                     assistant(thought, "", [(offered["name"], arguments)]), tool(result),
                     assistant(f"The tool says: {result}", answer)]


MAKERS = (weather, search, read_file, message)


def any_tool(rng):
    """A random tool of this file."""
    return build(rng, False, rng.choice(MAKERS))[0]


def use(rng, held, offered):
    """A conversation that uses an offered tool, or None if it is not of this file."""
    for maker in MAKERS:
        for _ in range(60):
            made, messages = build(rng, held, maker)
            if made == offered:
                return messages
    return None
