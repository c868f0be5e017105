"""Small questions about letters, words, order and series, answered without a tool."""
from chat import assistant, user
from wording import ask, choose, read_blocks

ASKS = {kind: block["Q"] for kind, block in read_blocks("puzzles.txt").items()}
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
WORDS = ("cat dog house tree water book light stone river bread table window garden music paper "
         "engine memory token expert router model energy number letter school friend summer "
         "winter green yellow morning evening mountain ocean bridge apple banana kitchen pencil "
         "circle flower sugar orange doctor train coffee horse island cheese butter planet "
         "silver forest candle ladder basket bottle dinner rabbit pepper little hammer mirror "
         "address balloon pattern village husband").split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
FRUITS = ("apple banana cherry date fig grape kiwi lemon mango melon olive orange peach pear plum "
          "quince raspberry").split()
ANIMALS = ("ant bear cat dog eagle fox goat horse iguana jaguar lion mouse newt otter penguin "
           "rabbit seal tiger wolf zebra").split()
PLURALS = dict(zip(
    "cat dog house tree book box glass city baby child man woman mouse foot tooth goose leaf knife "
    "wolf potato tomato bus day key church brush berry fox loaf wife story country party lady "
    "dish peach sheep fish toy hero bird table window lamp river spoon chair train penny".split(),
    "cats dogs houses trees books boxes glasses cities babies children men women mice feet teeth "
    "geese leaves knives wolves potatoes tomatoes buses days keys churches brushes berries foxes "
    "loaves wives stories countries parties ladies dishes peaches sheep fish toys heroes birds "
    "tables windows lamps rivers spoons chairs trains pennies".split()))


def number(n):
    """The forms of a small number that a check accepts."""
    return f"{n}|{NUMBERS[n]}" if n < len(NUMBERS) else str(n)


def letters(rng, held):
    """How many letters a word has."""
    word = rng.choice(WORDS)
    n = len(word)
    thought = " ".join(f"{i} {c}" for i, c in enumerate(word, 1))
    return [user(ask(rng, ASKS["letters"], held, ending=False, x=word)),
            assistant(f"{word}: {thought}. So {n}.", f"The word {word} has {n} letters.",
                      check={"words": [number(n)]})]


def occurrences(rng, held):
    """How often a letter is in a word."""
    word = rng.choice(WORDS)
    letter = rng.choice(word) if rng.random() < 0.85 else rng.choice(LETTERS)
    n = word.count(letter)
    marked = " ".join(f"{c} {word[:i + 1].count(letter)}" if c == letter else c
                      for i, c in enumerate(word))
    times = f"{n} time" + "s" * (n != 1)
    right = number(n) + {0: "|not|no|doesn't|never", 1: "|once", 2: "|twice"}.get(n, "")
    return [user(ask(rng, ASKS["occurrences"], held, ending=False, x=word, l=letter)),
            assistant(f"{word}, letter {letter}: {marked}. So {n}.",
                      f"The letter {letter} is {times} in {word}.", check={"words": [right]})]


def edge(rng, held):
    """The first or last letter of a word."""
    word, first = rng.choice(WORDS), rng.random() < 0.5
    which, verb = ("first", "start") if first else ("last", "end")
    letter = word[0 if first else -1]
    return [user(ask(rng, ASKS["edge"], held, ending=False, x=word, w=which, v=verb)),
            assistant(f"{'-'.join(word)}: the {which} letter is {letter}.",
                      f"The {which} letter of {word} is {letter}.", check={"words": [letter]})]


def alphabet(rng, held):
    """The letter before or after another."""
    after = rng.random() < 0.6
    i = rng.randrange(25) if after else rng.randrange(1, 26)
    word, letter = ("after", LETTERS[i + 1]) if after else ("before", LETTERS[i - 1])
    asked = LETTERS[i].upper()
    row = LETTERS[max(0, i - 2):i + 3].upper()
    return [user(ask(rng, ASKS["alphabet"], held, ending=False, w=word, l=asked)),
            assistant(f"The alphabet there: {' '.join(row)}. {word.capitalize()} {asked}: "
                      f"{letter.upper()}.", f"{letter.upper()} comes {word} {asked}.",
                      check={"words": [letter]})]


def plural(rng, held):
    """The plural of a noun."""
    word, many = rng.choice(list(PLURALS.items()))
    same = f"is {many}|also {many}|stays {many}|two {many}|{many}."
    return [user(ask(rng, ASKS["plural"], held, ending=False, x=word)),
            assistant(f"The plural of {word}.", f"The plural of {word} is {many}.",
                      check={"words": [same if many == word else many]})]


def sort(rng, held):
    """Three or four words or numbers in order."""
    kind = rng.choice(("numbers", "words", "words"))
    if kind == "numbers":
        items = rng.sample(range(1, 100), rng.choice((3, 3, 4)))
    else:
        items = rng.sample(rng.choice((FRUITS, ANIMALS)), rng.choice((3, 3, 4)))
    right = sorted(items)
    while items == right:
        rng.shuffle(items)
    given, wanted = (", ".join(map(str, x)) for x in (items, right))
    forms = [mark.join(map(str, right)) for mark in (", ", " ", "\n", ",", " < ", "\n- ")]
    rest = ", ".join(map(str, right[:-1]))
    forms += [f"{rest} and {right[-1]}", f"{rest}, and {right[-1]}",
              "\n".join(f"{i}. {x}" for i, x in enumerate(right, 1))]
    order = "The smallest first" if kind == "numbers" else "By the alphabet"
    return [user(ask(rng, ASKS["sort"], held, ending=False, k=kind, i=given)),
            assistant(f"{order}: {wanted}.", f"{wanted}.", check={"words": ["|".join(forms)]})]


def series(rng, held):
    """The next number of a counting series."""
    step, n = rng.choice((1, 1, 2, 2, 3, 5, 10, -1, -2)), rng.choice((3, 4, 5))
    start = rng.randint(1, 20) if step > 0 else rng.randint(12, 40)
    if step in (5, 10):
        start = step * rng.randint(0, 5)
    items = [start + step * i for i in range(n)]
    following = items[-1] + step
    how = f"adds {step}" if step > 0 else f"takes {-step} away"
    return [user(choose(rng, ASKS["series"], held).format(i=", ".join(map(str, items)))),
            assistant(f"Each step {how}. {items[-1]} {'+' if step > 0 else '-'} {abs(step)} = "
                      f"{following}.", f"The next number is {following}.",
                      check={"words": [number(following)]})]


MAKERS = ((letters, 4), (occurrences, 2), (edge, 3), (alphabet, 2), (plural, 3), (sort, 3),
          (series, 3))
MAKER, WEIGHT = zip(*MAKERS)


def game(rng, held):
    """One of the questions of this file."""
    return rng.choices(MAKER, WEIGHT)[0](rng, held)
