"""Ways of saying the same thing."""

OPENINGS = ("Hey, ", "Hello, ", "Please, ", "Quick question: ", "Hi, ", "Okay, ", "So, ",
            "I wonder: ", "Now, ", "Well, ", "Good. ", "Thanks. ", "One more question. ",
            "Can you help me? ", "Tell me: ", "Next question: ")


def choose(rng, options, held, share=6):
    """A random option; the last sixth of a list is held out for evaluation."""
    n_held = max(1, len(options) // share) if len(options) > 2 else 0
    cut = len(options) - n_held
    if held and n_held:
        return options[cut + rng.randrange(n_held)]
    return options[rng.randrange(cut)]


def dress(rng, text):
    """Small changes that people make: greeting, case, missing or doubled marks."""
    roll = rng.random()
    if roll < 0.55:
        return text
    if roll < 0.75:
        opening = OPENINGS[rng.randrange(len(OPENINGS))]
        first = text.split(" ")[0]
        keep = first[1:2].isupper() or first in ("I", "I'd", "Nano", "Jevons", "M2.5", "MiniMax")
        return opening + (text if keep or not text else text[0].lower() + text[1:])
    if roll < 0.85:
        return text.lower()
    if roll < 0.95:
        return text.rstrip("?.!")
    return text.lower().rstrip("?.!")
