"""Word sets and value makers that the invented tools, files and texts draw from.

Everything is a product of small sets, so that values are copied, not known.
A value whose checksum falls into one class in eight is held out: is_held().
"""
import zlib

SYLLABLES = ("ba be bi bo da de do du fa fe fi ga go ha he hi ja ka ke ki la le li lo lu ma me mi "
             "mo na ne ni no pa pe po ra re ri ro sa se si so ta te ti to va ve vi wa we za zo "
             "bra cla dre fro gri kla mar nor pel ran sten tor ul ven wil yan zor").split()
ENDINGS = ("n s r l k m t nd rt ng st x a o e ia us on er ik ar en ot").split()
FIRST_NAMES = (
    "Otto Ada Max Iris Leo Mia Tom Nora Felix Ruby Hugo Clara Oscar Emma Sam Vera Karl Lina Theo "
    "Alice Anna Ben Carla David Elena Frank Greta Hans Ida Jonas Kira Lars Marta Nils Olga Paul "
    "Quinn Rosa Simon Tina Ursula Viktor Wanda Xenia Yusuf Zoe Amir Bruno Chen Dora Emil Fatima "
    "Georg Hana Ivan Jana Kemal Lucia Mateo Noor Omar Pia Rahul Sofia Tariq Uma Vito Wim Yara "
    "Zeno Agnes Boris Cleo Diego Edith Finn Gina Henrik Inga Jorge").split()
LAST_NAMES = (
    "Adler Baker Castro Dahl Eriksen Fischer Garcia Huber Ito Jansen Kowalski Lopez Meyer Novak "
    "Olsen Petrov Quist Rossi Schmidt Tanaka Urban Vogel Weber Yilmaz Ziegler Moreau Silva Brown "
    "Clark Evans Foster Grant Hill Irwin Jones Keller Lang Morris Nolan Owens").split()
CITIES = (
    "Hamburg Milan Boston Sydney Toronto Geneva Porto Kyoto Paris Berlin Rome Madrid Lisbon Vienna "
    "Warsaw Oslo Stockholm Helsinki Athens Dublin Budapest Brussels Cairo Nairobi Ottawa Lima "
    "Santiago Havana Ankara London Bern Kyiv Bangkok Hanoi Bergen Bilbao Bologna Bremen Bristol "
    "Calgary Denver Dresden Essen Florence Ghent Graz Innsbruck Krakow Leeds Linz Lyon Malmo "
    "Munich Naples Nice Odense Osaka Perth Prague Quito Riga Seattle Seville Sofia Split Tallinn "
    "Tampere Turin Utrecht Valencia Verona Vilnius Zagreb Zurich").split()
COLOURS = ("red blue green yellow black white grey brown orange purple pink silver golden dark "
           "pale bright").split()
ADJECTIVES = (
    "old new small large quiet loud cold warm dry wet heavy light round flat soft hard early late "
    "fast slow empty full narrow wide short long simple strange gentle wild young plain broken "
    "hidden northern southern wooden paper hollow frozen distant careful lucky sharp").split()
NOUNS = (
    "cat dog house tree water book lamp stone river bread table window garden music paper engine "
    "letter school friend summer winter morning evening mountain ocean bridge apple basket bell "
    "bicycle boat bottle box bucket button candle carpet castle chair clock cloud coat coin corner "
    "cup desk door drum egg farm feather fence field film fire fish flag flower forest fork fox "
    "glass glove goat hammer harbour hat heron hill honey horse island jacket kettle key kitchen "
    "kite knife ladder lake leaf lemon library lion market meadow milk mirror moon mouse nail nest "
    "needle onion orchard owl paint pear pen pencil piano pillow plate pocket pond potato puzzle "
    "rabbit rain ribbon road rope sail salt sand scarf shelf ship shoe snow soap spoon spring "
    "square squirrel star station storm street sugar swan tent thread ticket tower train tunnel "
    "valley village violin wagon wall wheel wind wolf wool").split()
VERBS_PAST = ("found lost bought sold moved painted cleaned opened closed carried counted hid "
              "washed repaired drew borrowed measured dropped lifted packed").split()
TOPICS = (
    "tea|old maps|wind power|mountain huts|the Jevons paradox|sourdough bread|sparse models|river "
    "fish|night trains|garden birds|energy prices|memory chips|chess openings|the moon|city trees|"
    "solar cells|bee keeping|stone bridges|coral reefs|steam engines|folk songs|ice cores|paper "
    "mills|lighthouses|glass making|canal boats|wild herbs|clock towers|desert plants|sea salt|"
    "mixture of experts|heat pumps|bicycle lanes|local libraries|snow leopards|cheese caves|radio "
    "history|tidal power|wooden toys|map projections").split("|")
TASKS = (
    "call {n}|buy {x}|water the plants|pay the rent|send the report|feed the {x}|clean the {x}|"
    "book the train|write to {n}|check the oven|return the {x}|pick up {n}|charge the phone|sign "
    "the contract|renew the passport|fix the {x}|order more {x}|visit {n}|take the medicine|back "
    "up the laptop|prepare the meeting|read the chapter on the {x}|lock the door|meet {n} at the "
    "{x}").split("|")
EXTENSIONS = ("txt md csv json toml yaml log py cpp h html ini cfg sh").split()
FOLDERS = ("src docs data notes logs tests config scripts reports images letters archive build "
           "public lib projects drafts invoices recipes photos").split()
FILE_WORDS = ("main index notes todo plan list letter report results summary budget config readme "
              "server client parser engine cache users orders items prices log errors draft "
              "agenda minutes schedule inventory recipe travel ideas contacts settings").split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = ("January February March April May June July August September October November "
          "December").split()
HELD_CLASS = 5


def is_held(text):
    """True for the eighth of all texts that only evaluation uses."""
    return zlib.crc32(text.encode()) % 8 == HELD_CLASS


def fitting(rng, held, make):
    """A value of make(rng) from the trained or the held-out part."""
    while True:
        value = make(rng)
        if is_held(str(value)) == held:
            return value


def invented(rng):
    """A word that nobody has seen."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3))) + rng.choice(ENDINGS)


def noun_phrase(rng):
    """Such as 'quiet lamp'."""
    word = rng.choice(NOUNS) if rng.random() < 0.85 else invented(rng)
    return f"{rng.choice(ADJECTIVES)} {word}" if rng.random() < 0.4 else word


def words(rng, low=1, high=4):
    """A few words without meaning."""
    return " ".join(noun_phrase(rng) for _ in range(rng.randint(low, high)))


def title(rng):
    """A title of two to four words."""
    text = " ".join(rng.choice(ADJECTIVES if i % 2 == 0 else NOUNS)
                    for i in range(rng.randint(2, 4)))
    return text.capitalize() if rng.random() < 0.5 else text


def person(rng):
    """A first name, or both names."""
    name = rng.choice(FIRST_NAMES)
    if rng.random() < 0.15:
        name = invented(rng).capitalize()
    return f"{name} {rng.choice(LAST_NAMES)}" if rng.random() < 0.3 else name


def place(rng):
    """A city, sometimes one that does not exist."""
    return rng.choice(CITIES) if rng.random() < 0.8 else invented(rng).capitalize()


def code(rng):
    """An identifier: letters and digits."""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXZ") for _ in range(rng.randint(1, 3)))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 5)))
    return rng.choice((f"{letters}-{digits}", f"{letters}{digits}", f"{letters}_{digits}",
                       digits, f"{letters.lower()}{digits}", f"#{digits}"))


def email(rng):
    """An address."""
    name = rng.choice(FIRST_NAMES).lower()
    if rng.random() < 0.4:
        name += "." + rng.choice(LAST_NAMES).lower()
    return f"{name}@{rng.choice(NOUNS)}.{rng.choice(('org', 'com', 'net', 'de', 'example'))}"


def date(rng):
    """A date as YYYY-MM-DD."""
    return f"{rng.randint(2023, 2032)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def clock(rng):
    """A time as HH:MM."""
    return f"{rng.randint(0, 23):02}:{rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50, 55)):02}"


def path(rng, ext=None):
    """A file path."""
    name = rng.choice(FILE_WORDS)
    if rng.random() < 0.4:
        name += rng.choice("-_") + rng.choice((str(rng.randint(1, 99)), rng.choice(NOUNS)))
    folders = [rng.choice(FOLDERS) for _ in range(rng.choices((0, 1, 2), (5, 6, 2))[0])]
    text = "/".join(folders + [f"{name}.{ext or rng.choice(EXTENSIONS)}"])
    return rng.choice(("", "", "", "", "./", "/opt/work/", "/srv/")) + text


def folder(rng):
    """A folder path."""
    return "/".join(rng.choice(FOLDERS) for _ in range(rng.randint(1, 2)))


def task(rng):
    """Something to be reminded of."""
    return rng.choice(TASKS).format(n=rng.choice(FIRST_NAMES), x=rng.choice(NOUNS))


def sentence(rng):
    """A plain sentence that says something checkable."""
    who, what = rng.choice(FIRST_NAMES), noun_phrase(rng)
    return rng.choice((
        f"{who} {rng.choice(VERBS_PAST)} the {what} in {rng.choice(CITIES)}.",
        f"The {what} is {rng.choice(ADJECTIVES)} and {rng.choice(COLOURS)}.",
        f"There are {rng.randint(2, 99)} {rng.choice(NOUNS)}s behind the {what}.",
        f"On {rng.choice(WEEKDAYS)} {who} {rng.choice(VERBS_PAST)} a {what}.",
        f"The {what} belongs to {who}.", f"{who} lives near the {what}."))


def join(items):
    """a, b and c."""
    items = [str(i) for i in items]
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def article(noun):
    """a or an."""
    return ("an " if noun[0].lower() in "aeiou" else "a ") + noun
