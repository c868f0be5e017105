"""Other ways to ask a question, by rules on its form."""
import re

from wording import choose

# What stands behind "What is" where "what" is the subject: in the kernels folder.
SUBJECT = (r"((?:in|inside|at|behind|between|so|cached|good|better|best|left|kept|meant|done|"
           r"read|new|reused|written|found|rotated|multiplied|normalised|computed|special|"
           r"sparse|missing|wrong|needed|said|still|not) .+)")
# A question of a form, and other direct ways to ask it. The first rule that fits counts.
RULES = (
    (r"What is the (\w+) command for\?",
     ("What can I do with the {0} command?", "When do I use the {0} command?",
      "Why is there a {0} command?", "When would I want the {0} command?",
      "What is the use of the {0} command?")),
    (r"What is (.+) for\?", ("What's {0} for?", "What is the purpose of {0}?", "Why is there {0}?",
                             "What is {0} good for?", "What do I use {0} for?",
                             "{0}: what for?", "What would I need {0} for?")),
    (r"What is " + SUBJECT + r"\?",
     ("What's {0}?", "So what is {0}?", "What exactly is {0}?", "And what is {0}?")),
    (r"What is ((?:the|your) \w+(?: \w+)? of .+)\?",
     ("What's {0}?", "Tell me {0}.", "Give me {0}.", "Please state {0}.", "{0}?", "{0}, please.",
      "Can you name {0}?", "I need {0}.", "I am looking for {0}.", "Could you give me {0}?",
      "And {0}?", "{0} is what?", "Just tell me {0}.", "So what is {0}?", "State {0}.",
      "What would you say is {0}?", "Please give me {0}.")),
    (r"What is (.+)\?", ("What's {0}?", "What exactly is {0}?", "So what is {0}?", "{0}?",
                         "{0}: what is that?", "What is that, {0}?", "Tell me, what is {0}?",
                         "{0}, what is it?", "And what is {0}?", "What might {0} be?",
                         "{0} - what's that?", "In short, what is {0}?", "Remind me, what is {0}?",
                         "What on earth is {0}?", "What do people mean by {0}?",
                         "I keep reading about {0}. What is it?", "{0} is what exactly?",
                         "I don't know what {0} is.", "I have no idea what {0} is.")),
    (r"What are (.+)\?", ("Can you list {0}?", "What exactly are {0}?", "{0}?", "So what are {0}?",
                          "{0}: what are they?", "{0}, what are they?", "And what are {0}?",
                          "Remind me, what are {0}?", "I don't know what {0} are.",
                          "What do people mean by {0}?")),
    (r"What does (.+) do\?", ("What exactly does {0} do?", "What is the job of {0}?",
                              "{0} does what?", "What is {0} good for?", "And what does {0} do?",
                              "So what does {0} do?", "What is {0} there for?",
                              "What would {0} do for me?", "In short, what does {0} do?",
                              "I don't know what {0} does.", "{0}: what does it do?")),
    (r"What does (.+) mean\?", ("What is meant by {0}?", "What is the meaning of {0}?",
                                "{0} means what?", "{0}: meaning?", "How do you define {0}?",
                                "So what does {0} mean?", "I don't know what {0} means.",
                                "And what does {0} mean?", "Define {0}.", "{0}, meaning what?",
                                "In which sense do you say {0}?")),
    (r"How many (\w+(?: \w+)?) does (.+) have\?",
     ("What is the number of {0} in {1}?", "How many {0} are in {1}?", "Number of {0} in {1}?",
      "How many {0} has {1}?", "What number of {0} does {1} have?", "{1} has how many {0}?",
      "How many {0} does {1} have in all?", "Give me the number of {0} in {1}.",
      "State the number of {0} in {1}.", "{1}: how many {0}?", "How many {0} has {1} got?",
      "How many {0} would I find in {1}?", "Count the {0} in {1} for me.", "{0} in {1}?",
      "And how many {0} does {1} have?", "What count of {0} does {1} have?")),
    (r"How many (\w+) are in (.+)\?",
     ("What is the number of {0} in {1}?", "How many {0} make {1}?", "Number of {0} in {1}?",
      "{1}: how many {0}?", "There are how many {0} in {1}?", "How many {0} are there in {1}?",
      "{1} has how many {0}?", "And how many {0} are in {1}?", "How many {0} does {1} hold?")),
    (r"How (big|large|long|old|good|deep|wide|expensive|fast) is (.+)\?",
     ("How {0} exactly is {1}?", "{1} is how {0}?", "{1}: how {0}?", "Just how {0} is {1}?",
      "And how {0} is {1}?", "So how {0} is {1}?", "In fact, how {0} is {1}?",
      "How {0} is {1}, roughly?", "How {0} would you say {1} is?", "How {0} is {1} really?")),
    (r"How does (.+) work\?", ("In which way does {0} work?", "So how does {0} work?",
                               "{0}: how does that work?", "How exactly does {0} work?",
                               "And how does {0} work?", "I don't get how {0} works.",
                               "What is the idea behind {0}?", "In short, how does {0} work?",
                               "Show me how {0} works.", "{0}, how does it work?")),
    (r"How do I (.+)\?", ("How can I {0}?", "Tell me how to {0}.", "I want to {0}. How?",
                          "What do I have to do to {0}?", "I would like to {0}.", "How to {0}?",
                          "How would I {0}?", "What is the way to {0}?", "I need to {0}.",
                          "What must I do to {0}?", "I'd like to {0}. What do I do?",
                          "Is there a way to {0}?", "Help me {0}.", "I am trying to {0}.",
                          "How does one {0}?", "How should I {0}?", "Show me how to {0}.",
                          "How do you {0}?", "I can't find out how to {0}.", "How do we {0}?",
                          "What is the best way to {0}?", "Please help me to {0}.")),
    (r"How are (.+)\?", ("In which way are {0}?", "And how are {0}?", "How exactly are {0}?")),
    (r"Can I (.+)\?", ("Am I able to {0}?", "Is it possible to {0}?", "Could I {0}?",
                       "May I {0}?", "Would I be able to {0}?", "Can one {0}?", "Can you {0}?",
                       "Is there a way to {0}?", "I want to {0}. Is that possible?",
                       "Can we {0}?", "So I can {0}?", "Can people {0}?")),
    (r"Can (Jevons|Nano|M2\.5|the server|the model) (.+)\?",
     ("Is {0} able to {1}?", "Could {0} {1}?", "Is it possible that {0} can {1}?",
      "{0} can {1}, right?", "So {0} can {1}?", "Would {0} be able to {1}?",
      "Will {0} {1}?", "Is {0} capable enough to {1}?")),
    (r"Does (Jevons|Nano|M2\.5|M2|the server|the model) (\w+) (.+)\?",
     ("Will {0} {1} {2}?", "{0} does {1} {2}, right?", "Is it true that {0} does {1} {2}?",
      "So does {0} {1} {2}?", "And does {0} {1} {2}?", "Does {0} really {1} {2}?",
      "Would {0} {1} {2}?")),
    (r"Do I need (.+)\?", ("Is {0} needed?", "Must I have {0}?", "Do I have to have {0}?",
                           "Is {0} necessary?", "Will I need {0}?", "{0}: needed or not?",
                           "Does one need {0}?", "Can I do without {0}?", "Would I need {0}?",
                           "Do I really need {0}?", "I don't have {0}. Is that a problem?")),
    (r"Which (\w+) (\S+ \S+ .+)\?", ("What {0} {1}?", "And which {0} {1}?", "So which {0} {1}?",
                             "Which {0} exactly {1}?")),
    (r"Who (\w+) (.+)\?", ("Who exactly {0} {1}?", "And who {0} {1}?", "So who {0} {1}?",
                           "Which people {0} {1}?")),
    (r"Why (.+)\?", ("And why {0}?", "So why {0}?", "Why exactly {0}?",
                     "Why {0}? I don't understand it.", "For what reason {0}?")),
    (r"Name (.+)\.", ("Can you name {0}?", "List {0}.", "Tell me {0}.", "Please name {0}.",
                      "Could you list {0}?", "I need {0}.", "Give me {0}.", "{0}, please.")),
)
RULES = tuple((re.compile(pattern), forms) for pattern, forms in RULES)

NAMES = r"(Jevons|Nano|MiniMax-M2\.5|M2\.5|M2|it)"
KNOWN = r"(Jevons|Nano|MiniMax-M2\.5|M2\.5|M2|the server|the program|a model|an agent)"
# A question of a form, and the clause that stands for it: "whether Jevons needs a GPU".
# A "+" behind a verb gives its third person. The first that fits counts.
CLAUSES = (
    (r"What is " + SUBJECT + r"\?", "what is {0}"),
    (r"What is (.+) for\?", "what {0} is for"),
    (r"What is (.+)\?", "what {0} is"),
    (r"What are (.+) (for|called|like)\?", "what {0} are {1}"),
    (r"What are ((?:\w+ ?){1,4})\?", "what {0} are"),
    (r"What does (.+) (do|mean|cost|hold|contain|store|show|print|write|measure|compute|say|need|"
     r"list|produce|look like)\?", "what {0} {1}+"),
    (r"What happens (.+)\?", "what happens {0}"),
    (r"What limits (.+)\?", "what limits {0}"),
    (r"How many (.+) does (.+) (have|need|use|take)\?", "how many {0} {1} {2}+"),
    (r"How many (\w+) are in (.+)\?", "how many {0} are in {1}"),
    (r"How much (\w+) does (.+) (have|need|use|take)\?", "how much {0} {1} {2}+"),
    (r"How (big|large|long|old|good|deep|wide|expensive|fast|slow) is (.+)\?", "how {0} {1} is"),
    (r"How does (.+) work\?", "how {0} works"),
    (r"How does " + KNOWN + r" (\w+)(.*)\?", "how {0} {1}+{2}"),
    (r"How do I (.+)\?", "how to {0}"),
    (r"How can I (.+)\?", "how I can {0}"),
    (r"Can I (.+)\?", "whether I can {0}"),
    (r"Can " + KNOWN + r" (.+)\?", "whether {0} can {1}"),
    (r"Does " + KNOWN + r" (\w+)(.*)\?", "whether {0} {1}+{2}"),
    (r"Do I (.+)\?", "whether I {0}"),
    (r"Is " + NAMES + r" (.+)\?", "whether {0} is {1}"),
    (r"Is there (.+)\?", "whether there is {0}"),
    (r"Are there (.+)\?", "whether there are {0}"),
    (r"Why is " + NAMES + r" (.+)\?", "why {0} is {1}"),
    (r"Why does " + KNOWN + r" (\w+)(.*)\?", "why {0} {1}+{2}"),
    (r"When was (.+) (\w+ed|made|built)\?", "when {0} was {1}"),
    (r"Where does (.+) (come|go)(| from)\?", "where {0} {1}+{2}"),
    (r"Which (.+) does " + KNOWN + r" (\w+)\?", "which {0} {1} {2}+"),
    (r"(Which|Who) (?=\S+ \S+ \S+)((?!.*\b(?:do|does|did|is|are|was|can|has|should|will)\b).+)\?",
     "{0} {1}"),
)
CLAUSES = tuple((re.compile(pattern), clause) for pattern, clause in CLAUSES)
INDIRECT = (
    "Can you tell me {}?", "Tell me {}.", "Do you know {}?", "Could you explain {}?",
    "Explain {}.", "I want to know {}.", "Please tell me {}.", "Can you explain {}?",
    "Could you say {}?", "Can you say {}?", "I would like to know {}.", "I wonder {}.",
    "I'm not sure {}.", "I don't understand {}.", "I was wondering {}.", "Any idea {}?",
    "Say {}.", "Could you please tell me {}?", "I need to know {}.", "Would you tell me {}?",
    "I'd love to know {}.", "I still do not know {}.", "Do you happen to know {}?",
    "I can't remember {}.", "In one sentence, tell me {}.", "Just say {}.",
    "What I want to know is {}.", "It would help me to know {}.", "I forgot {}.",
    "I am curious {}.", "Please explain {}.", "Let me ask you {}.", "Mind telling me {}?",
    "Nobody here knows {}.", "I have to find out {}.", "Would you mind explaining {}?",
    "Teach me {}.", "Remind me {}.", "The docs do not tell me {}.", "Help me understand {}.",
    "I tried to find out {}.", "Kindly tell me {}.", "May I ask {}?", "Can anyone tell me {}?",
    "Be so kind and tell me {}.", "I have been asking myself {}.", "Have you any idea {}?",
    "You surely know {}.", "I'd like you to tell me {}.")
FRIENDS = (
    "My friend asks {}.", "My colleague wants to know {}.", "Someone asked me {}.",
    "My brother would like to know {}.", "People keep asking me {}.", "My boss asks {}.",
    "A student of mine asks {}.", "My team wonders {}.", "A reader asks {}.",
    "My neighbour wants to know {}.", "We were discussing {}.", "A customer asked {}.",
    "My daughter asked me {}.", "I have to explain to a friend {}.", "Our admin asks {}.",
    "In a talk I must say {}.", "Someone on the forum asks {}.", "My teacher asked {}.")
# What people write around a question: {} is the question, {low} the same in small letters.
AROUND = (
    "{} Thanks!", "I am new to this. {}", "{} One sentence is enough.", "{} Just curious.",
    "I just found this project. {}", "{} Keep it short, please.", "Sorry for the basic question: "
    "{low}", "{} I could not find it in the docs.", "Hi there! {}", "Good morning. {}",
    "Something I never understood: {low}", "{} I am asking for a friend.", "Short question. {}",
    "{} Thank you.", "I have read the README, but one thing is unclear. {}", "{} Please be brief.",
    "I am writing a blog post. {}", "{} I keep forgetting it.", "Before I begin: {low}",
    "One thing I would like to know: {low}", "{} I am a beginner.", "Stupid question maybe: {low}",
    "I am comparing engines. {}", "{} A short answer will do.", "Help me out here: {low}",
    "Let's talk about something else. {}", "{} That's all I need.", "My next question: {low}",
    "I have a test tomorrow. {}", "{} No long story, please.", "Hello Nano! {}", "First: {low}",
    "Somebody asked me this today: {low}", "{} I need it for a slide.", "Quick check: {low}",
    "{} Simple words, please.", "I only want one thing from you. {}", "Okay, new topic. {}",
    "I am preparing a talk on this. {}", "{} Many thanks in advance.", "Small question: {low}",
    "Good evening! {}", "{} I really want to understand this.", "For my notes: {low}",
    "While we are at it: {low}", "{} Cheers.", "I hope you can help. {}", "One more: {low}")
KEEP = ("I", "I'd", "I'm", "Nano", "Jevons", "MiniMax", "MiniMax-M2.5", "Claude", "OpenCode",
        "Codex", "Anthropic", "OpenAI", "Linux", "Windows", "Debian", "Python")


def third_person(verb):
    """reads, does, has, goes: the verb as it stands behind "it"."""
    special = {"do": "does", "have": "has", "be": "is", "go": "goes", "look like": "looks like"}
    if verb in special:
        return special[verb]
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x")) else "s")


def small(text):
    """A sentence that goes on behind a colon: its first letter small unless it is a name."""
    first = re.split(r"[ ,?.!:]", text)[0]
    keep = first in KEEP or any(c.isupper() or c.isdigit() for c in first[1:])
    return text if keep or not text else text[0].lower() + text[1:]


def clause(question):
    """The clause that stands for a question, or None: what the router is."""
    for pattern, form in CLAUSES:
        match = pattern.fullmatch(question)
        if match:
            groups = match.groups()
            text = re.sub(r"\{(\d)\}\+", lambda m: third_person(groups[int(m[1])]), form)
            return text.format(*groups).replace("Which ", "which ").replace("Who ", "who ")
    return None


def rephrase(rng, question, forbidden, held=False):
    """One of the forms of a question; never one of the forbidden (held-out) texts."""
    said = clause(question)
    if said and rng.random() < 0.5:
        own = re.search(r"\b(I|my)\b", said) or rng.random() < 0.7
        text = choose(rng, INDIRECT if own else FRIENDS, held).format(said)
        return question if normal(text) in forbidden else text
    for pattern, forms in RULES:
        match = pattern.fullmatch(question)
        if match:
            text = choose(rng, forms, held).format(*match.groups())
            text = text[0].upper() + text[1:]
            return question if normal(text) in forbidden else text
    return question


def surround(rng, question, held=False):
    """A question with a greeting, a reason, some context or a wish around it."""
    frame = choose(rng, AROUND, held)
    if "{low}" in frame and not question.endswith("?"):
        return question
    return frame.format(question, low=small(question))


def normal(text):
    """Letters and digits only, for comparing questions."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
