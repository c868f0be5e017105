"""Greetings, thanks, simple requests, what the user told before, and what it cannot know."""
import facts
import wording
from chat import assistant, user
from wordgames import ASKS, NUMBERS, WORDS, game
from wording import ask, choose

TALK = wording.read_blocks("smalltalk.txt")
LIMITS = wording.read_blocks("limits.txt")

CAPITALS = dict(zip(
    "France Germany Italy Spain Portugal Austria Poland Norway Sweden Finland Denmark Greece "
    "Ireland Hungary Belgium Russia China Japan India Egypt Kenya Canada Brazil Peru Chile Cuba "
    "Turkey Iran Iraq England Switzerland Ukraine Thailand Vietnam Colombia Venezuela Ecuador "
    "Uruguay Australia Morocco Algeria Tunisia Ghana Senegal Angola Syria Jordan Lebanon Qatar "
    "Nepal Pakistan Bangladesh Mongolia Iceland Estonia Latvia Lithuania Belarus Romania Bulgaria "
    "Serbia Croatia Slovenia Slovakia Albania Malta Cyprus Jamaica Georgia Armenia Zambia Uganda "
    "Rwanda Sudan Libya Oman Paraguay Afghanistan Uzbekistan Zimbabwe Somalia".split(),
    "Paris Berlin Rome Madrid Lisbon Vienna Warsaw Oslo Stockholm Helsinki Copenhagen Athens "
    "Dublin Budapest Brussels Moscow Beijing Tokyo Delhi Cairo Nairobi Ottawa Brasilia Lima "
    "Santiago Havana Ankara Tehran Baghdad London Bern Kyiv Bangkok Hanoi Bogota Caracas Quito "
    "Montevideo Canberra Rabat Algiers Tunis Accra Dakar Luanda Damascus Amman Beirut Doha "
    "Kathmandu Islamabad Dhaka Ulaanbaatar Reykjavik Tallinn Riga Vilnius Minsk Bucharest Sofia "
    "Belgrade Zagreb Ljubljana Bratislava Tirana Valletta Nicosia Kingston Tbilisi Yerevan Lusaka "
    "Kampala Kigali Khartoum Tripoli Muscat Asuncion Kabul Tashkent Harare Mogadishu".split()))
SPELLINGS = {"Delhi": "Delhi|New Delhi", "Brasilia": "Brasilia|Brasília", "Kyiv": "Kyiv|Kiev",
             "Bogota": "Bogota|Bogotá", "Asuncion": "Asuncion|Asunción", "Bern": "Bern|Berne",
             "Ulaanbaatar": "Ulaanbaatar|Ulan Bator"}
OPPOSITES = dict(zip(
    "big hot fast old long high good full light early happy strong open rich easy wet up left "
    "day black first thick wide near loud clean deep safe cheap sharp buy win push begin love "
    "inside above always alive true north east more many sweet remember".split(),
    "small cold slow new short low bad empty dark late sad weak closed poor hard dry down right "
    "night white last thin narrow far quiet dirty shallow dangerous expensive blunt sell lose pull "
    "end hate outside below never dead false south west less few sour forget".split()))
ALSO_OPPOSITE = {
    "big": "large", "small": "little|tiny", "old": "ancient", "new": "young", "long": "tall",
    "short": "brief", "hot": "warm", "cold": "cool|chilly", "light": "bright", "dark": "heavy",
    "sad": "unhappy", "happy": "glad|joyful", "closed": "shut|close", "hard": "difficult|soft",
    "easy": "simple", "right": "wrong", "bad": "evil", "empty": "vacant", "begin": "start",
    "end": "finish|stop", "sour": "bitter|salty", "sweet": "sugary", "loud": "noisy",
    "quiet": "silent|soft", "blunt": "dull", "few": "little", "less": "fewer", "thin": "fat|slim",
    "far": "distant", "near": "close", "dangerous": "unsafe|risky", "safe": "secure",
    "weak": "feeble", "strong": "powerful", "rich": "wealthy", "fast": "quick|rapid",
    "expensive": "costly", "win": "gain|find", "low": "down", "dirty": "unclean", "wide": "broad",
    "up": "upwards", "above": "over", "below": "under|beneath"}
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
PHRASES = ("good morning", "the cat sleeps", "hello world", "I like trees", "water is wet",
           "less is more", "the sun is bright", "we go home", "memory is slow",
           "experts are few", "one step at a time", "all is well", "the river is long",
           "tea is ready", "open the window", "winter is cold", "read the book", "have a nice day",
           "the door is open", "my name is Sam", "nothing is for free", "two and two is four",
           "the train is late", "birds sing early", "I love bread", "see you soon", "time flies")
NAMES = ("Otto", "Ada", "Max", "Iris", "Leo", "Mia", "Tom", "Nora", "Felix", "Ruby", "Hugo",
         "Clara", "Oscar", "Emma", "Sam", "Vera", "Karl", "Lina", "Theo", "Alice", "Ben", "Zoe",
         "Paul", "Greta", "Ivan", "Sofia", "Emil", "Hana", "Omar", "Elena", "Jonas", "Pia", "Finn",
         "Rosa", "David", "Yara", "Amir", "Olga", "Lars", "Dora")
WHO = tuple(ASKS["who"])


def from_block(rng, held, topic, block):
    """One exchange of a block of a text file."""
    return [user(ask(rng, block["Q"], held, ending=False)),
            assistant(topic, block["A"][0], check={"words": block["K"]} if "K" in block else None)]


def talk(rng, held):
    """One exchange from smalltalk.txt; held-out ones only where an answer can be checked."""
    topic = rng.choice([t for t in TALK if not held or "K" in TALK[t]])
    return from_block(rng, held, topic, TALK[topic])


def cannot(rng, held, offered=True):
    """What nobody here can know or do; offered: there may be tools that could."""
    topic = rng.choice([t for t in LIMITS if not (offered and "L" in LIMITS[t])])
    return from_block(rng, held, topic, LIMITS[topic])


def who(rng, held, name=None):
    """Name and maker; a system prompt may have given another name."""
    question = ask(rng, WHO, held)
    if name:
        return [user(question), assistant(f"My name here is {name}.", f"I am {name}.",
                                          check={"words": [name]})]
    return [user(question), assistant("The user asks for my name.", "I am Nano, a small language "
                                      "model built by the Jevons project.",
                                      check={"words": ["Nano"]})]


def capital(rng, held):
    """Capitals of countries."""
    country, city = rng.choice(sorted(CAPITALS.items()))
    return [user(ask(rng, ASKS["capital"], held, ending=False, x=country)),
            assistant(f"The capital of {country}.", f"The capital of {country} is {city}.",
                      check={"words": [SPELLINGS.get(city, city)]})]


def opposite(rng, held):
    """Opposites of words."""
    a, b = rng.choice(sorted(OPPOSITES.items()))
    a, b = (a, b) if rng.random() < 0.5 else (b, a)
    right = "|".join(w for w in [b, *ALSO_OPPOSITE.get(b, "").split("|")] if w)
    right = "|".join(w for w in right.split("|") if w != a)
    return [user(ask(rng, ASKS["opposite"], held, ending=False, x=a)),
            assistant(f"The opposite of {a}.", f"The opposite of {a} is {b}.",
                      check={"words": [right]})]


def repeat(rng, held):
    """Saying a text back."""
    text = rng.choice(PHRASES) if rng.random() < 0.4 else " ".join(
        rng.choice(WORDS) for _ in range(rng.randint(1, 5)))
    forms = (text, f"{text}.", text[0].upper() + text[1:], f"{text[0].upper()}{text[1:]}.")
    return [user(choose(rng, ASKS["repeat"], held).format(x=text)),
            assistant(f"I repeat the text: {text}", text, check={"any": list(forms)})]


def count(rng, held):
    """Counting up to twelve."""
    n = rng.randint(2, 12)
    up = choose(rng, ASKS["count"], held)
    written = n if "1" in up or rng.random() < 0.5 else NUMBERS[n]
    numbers = [str(i) for i in range(1, n + 1)]
    return [user((up if held else wording.vary(rng, up)).format(n=written)),
            assistant(f"I count to {n}.", ", ".join(numbers) + ".",
                      check={"words": [f"{i}|{NUMBERS[int(i)]}" for i in numbers]})]


def spell(rng, held):
    """Spelling a word."""
    word = rng.choice(WORDS)
    upper = word.upper()
    forms = [mark.join(w) for w in (upper, word, upper[0] + word[1:]) for mark in ("-", " ", ", ")]
    return [user(ask(rng, ASKS["spell"], held, ending=False, x=word)),
            assistant(f"I spell {word}.", "-".join(upper),
                      check={"words": ["|".join(dict.fromkeys(forms))]})]


def larger(rng, held):
    """Comparing two numbers."""
    a, b = rng.sample(range(100 if rng.random() < 0.7 else 1000), 2)
    question = ask(rng, ASKS["larger"], held, ending=False, a=a, b=b)
    return [user(question), assistant(
        f"I compare {a} and {b}.", f"{max(a, b)} is larger than {min(a, b)}.",
        check=compared("larger bigger greater higher", max(a, b)))]


def smaller(rng, held):
    """The smaller of two numbers."""
    a, b = rng.sample(range(100 if rng.random() < 0.7 else 1000), 2)
    question = ask(rng, ASKS["smaller"], held, ending=False, a=a, b=b)
    return [user(question), assistant(
        f"I compare {a} and {b}.", f"{min(a, b)} is smaller than {max(a, b)}.",
        check=compared("smaller lower", min(a, b)))]


def compared(words, first):
    """A check for a number that comes out of a comparison."""
    forms = [f"{first} is", f"**{first}** is", f"is **{first}**", f"{first} has", f"{first} wins"]
    forms += [f"{word} {noun} is {first}" for word in words.split() for noun in ("number", "one")]
    return {"words": ["|".join(forms)]}


def weekday(rng, held):
    """The day before or after another."""
    i, after = rng.randrange(7), rng.random() < 0.5
    day = DAYS[(i + (1 if after else -1)) % 7]
    word = "after" if after else "before"
    question = ask(rng, ASKS["weekday"], held, ending=False, w=word, d=DAYS[i])
    return [user(question[0].upper() + question[1:]),
            assistant(f"The day {word} {DAYS[i]}.",
                      f"The day {word} {DAYS[i]} is {day}.", check={"words": [day]})]


TOLD = wording.read_blocks("told.txt")
VALUES = {
    "name": NAMES, "colour": "red blue green yellow black white grey brown orange purple".split(),
    "animal": "Rex Luna Minka Bello Fritz Coco Balu Mila Oskar Nelly Rocky Susi".split(),
    "city": sorted(set(CAPITALS.values())), "job": "baker doctor teacher pilot farmer plumber "
    "tailor carpenter painter gardener nurse driver cook lawyer".split(),
    "age": [str(n) for n in range(12, 90)], "day": DAYS,
    "food": "soup bread rice fish cheese pizza salad pasta beans potatoes cake".split(),
    "number": [str(n) for n in range(3, 100)], "room": [str(n) for n in range(101, 480)]}


def remember(rng, held):
    """The user tells something about himself and asks for it later."""
    kind = "name" if rng.random() < 0.35 else rng.choice(list(TOLD))
    block, value = TOLD[kind], rng.choice(VALUES[kind])
    greeting = block["G"][0].format(value)
    out = [user(ask(rng, block["I"], held, ending=False, x=value)),
           assistant(f"The user tells me: {block['S'][0].format(value)}", greeting,
                     check={"words": [value]} if kind == "name" else {"words": ["|".join(
                         (*value.split(), "good", "nice", "thank", "thanks", "noted", "got it"))]})]
    if rng.random() < 0.35:
        out += capital(rng, held) if rng.random() < 0.5 else talk(rng, held)
    return out + [user(ask(rng, block["Q"], held)),
                  assistant(f"The user said it before: {value}.", block["A"][0].format(value),
                            check={"words": [value]})]


BACK = wording.read_blocks("back.txt")


def back(rng, held):
    """A request that leans on what was said just before: again, shorter, what did I say."""
    kind = rng.choice(list(BACK))
    if kind == "shorter":
        first = (capital if rng.random() < 0.6 else opposite)(rng, held)
        answer = first[-1]["content"].split()[-1]
        thought, check = f"Only the last word: {answer}", first[-1]["check"]
    else:
        first = (facts.ask if rng.random() < 0.6 else capital)(rng, held)
        said = first[0 if kind == "mine" else -1]["content"]
        answer = f"You said: {said}" if kind == "mine" else said
        thought = f"The {'user' if kind == 'mine' else 'last answer'} said: {said}"
        check = {"words": wording.longest_words(said)}
    return first + [user(ask(rng, BACK[kind]["Q"], held)), assistant(thought, answer, check=check)]


STRANGE = wording.read_blocks("unknown.txt")


def unknown(rng, held):
    """Questions beyond what the model knows; held-out ones are those that nobody could answer."""
    if held or rng.random() < 0.35:
        return cannot(rng, held)
    block = STRANGE[rng.choice(list(STRANGE))]
    thing = rng.choice(block["N"])
    return [user(ask(rng, block["Q"], held, x=thing)),
            assistant(f"I was not taught about this: {thing}.",
                      "I am sorry, I do not know that. I am a small model.")]


MAKERS = ((talk, 8), (who, 2), (unknown, 4), (capital, 2), (opposite, 1), (repeat, 2), (count, 1),
          (spell, 1), (larger, 1), (smaller, 1), (weekday, 1), (remember, 3), (back, 2), (game, 5))
MAKER, WEIGHT = zip(*MAKERS)


def simple(rng, held):
    """One of the skills of this file, or a word game."""
    return rng.choices(MAKER, WEIGHT)[0](rng, held)
