"""Other ways to ask a question, by rules on its form."""
import re

RULES = (
    (r"What is (.+)\?", ("What's {0}?", "Can you tell me what {0} is?", "Do you know what {0} is?",
                         "Could you explain what {0} is?", "Explain what {0} is.", "{0}?",
                         "I want to know what {0} is.", "Please tell me what {0} is.",
                         "Can you explain what {0} is?", "Could you say what {0} is?",
                         "Tell me, what is {0}?", "What exactly is {0}?", "So what is {0}?")),
    (r"What are (.+)\?", ("Can you tell me what {0} are?", "Do you know what {0} are?",
                          "Could you explain what {0} are?", "Explain what {0} are.", "{0}?",
                          "Tell me what {0} are.", "Can you list {0}?", "What exactly are {0}?")),
    (r"What does (.+) do\?", ("Do you know what {0} does?", "Tell me what {0} does.",
                              "Can you explain what {0} does?", "Explain what {0} does.",
                              "What exactly does {0} do?", "What is the job of {0}?")),
    (r"What does (.+) mean\?", ("Do you know what {0} means?", "Tell me what {0} means.",
                                "What is meant by {0}?", "Explain what {0} means.",
                                "What is the meaning of {0}?")),
    (r"How many (\w+(?: \w+)?) does (.+) have\?",
     ("What is the number of {0} in {1}?", "Tell me how many {0} {1} has.",
      "How many {0} are in {1}?", "Do you know how many {0} {1} has?", "Number of {0} in {1}?",
      "How many {0} has {1}?", "What number of {0} does {1} have?",
      "How many {0} does {1} have in all?")),
    (r"How many (\w+) are in (.+)\?",
     ("What is the number of {0} in {1}?", "Tell me how many {0} are in {1}.",
      "How many {0} make {1}?", "Do you know how many {0} are in {1}?")),
    (r"How (big|large|long|old|good|deep|wide|expensive) is (.+)\?",
     ("Tell me how {0} {1} is.", "Do you know how {0} {1} is?", "Can you say how {0} {1} is?",
      "How {0} exactly is {1}?")),
    (r"How does (.+) work\?", ("Explain how {0} works.", "Can you explain how {0} works?",
                               "Tell me how {0} works.", "Do you know how {0} works?",
                               "In which way does {0} work?")),
    (r"How do I (.+)\?", ("How can I {0}?", "Tell me how to {0}.", "Which command do I use to {0}?",
                          "I want to {0}.", "What do I type to {0}?", "I would like to {0}.")),
    (r"How are (.+)\?", ("Can you tell me how {0}?", "In which way are {0}?")),
    (r"What is the (\w+) command for\?",
     ("What can I do with the {0} command?", "When do I use the {0} command?",
      "Why is there a {0} command?", "What does the {0} command do?")),
    (r"Which (\w+) (.+)\?", ("What {0} {1}?", "Can you say which {0} {1}?")),
    (r"Who (\w+) (.+)\?", ("Tell me who {0} {1}.", "Do you know who {0} {1}?",
                           "Can you say who {0} {1}?")),
    (r"Name (.+)\.", ("Can you name {0}?", "List {0}.", "Tell me {0}.", "Please name {0}.")),
)
RULES = tuple((re.compile(pattern), forms) for pattern, forms in RULES)


def rephrase(rng, question, forbidden):
    """One of the forms of a question; never one of the forbidden (held-out) texts."""
    fitting = [(m, forms) for m, forms in ((p.fullmatch(question), f) for p, f in RULES) if m]
    if not fitting:
        return question
    match, forms = rng.choice(fitting)
    text = rng.choice(forms).format(*match.groups())
    text = text[0].upper() + text[1:]
    return question if normal(text) in forbidden else text


def normal(text):
    """Letters and digits only, for comparing questions."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
