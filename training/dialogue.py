"""Talks of several turns: a subject is opened, later questions only say "it".

Answers are those of facts.txt; a topic here names its entry there.
"""
import facts
from chat import assistant, user
from wording import choose

# subject: (opening topic, follow-ups: (topic, wordings))
SUBJECTS = {
    "MiniMax-M2.5": ("MiniMax-M2.5", (
        ("the parameters of M2.5", ("How many parameters does it have?", "How large is it?",
                                    "And its parameters?", "How many parameters is that?",
                                    "How many parameters has it got?")),
        ("the active parameters of M2.5",
         ("How many of them are active?", "How many are active per token?",
          "How many are read per token?", "How many parameters does it use for a token?")),
        ("the layers of M2.5", ("How many layers does it have?", "And the layers?",
                                "How many layers are there?", "How deep is it?",
                                "How many layers has it got?")),
        ("the experts of M2.5", ("How many experts does it have?", "And the experts?",
                                 "How many experts are in a layer?", "What about its experts?",
                                 "How many experts has it got?")),
        ("the experts used per token", ("How many of them work on a token?", "And how many are "
                                        "used?", "How many experts does it use at once?",
                                        "How many experts does a token use?")),
        ("the makers of M2.5", ("Who made it?", "Who is behind it?", "Who built it?",
                                "And who made it?", "By whom was it made?")),
        ("the release of M2.5", ("When was it released?", "How old is it?", "When did it come out?",
                                 "And when was it published?", "Since when does it exist?")),
        ("the context of M2.5", ("How long is its context?", "How much text fits into it?",
                                 "And its context?", "What is its context length?",
                                 "How many tokens fit into it?")),
        ("the vocabulary of M2.5", ("How large is its vocabulary?", "And its vocabulary?",
                                    "How many tokens does it know?", "What about its vocabulary?",
                                    "How big is its vocabulary?")),
        ("the attention heads of M2.5", ("How many heads does it have?", "And its heads?",
                                         "How many attention heads are there?",
                                         "How many heads has it got?")),
        ("the hidden size of M2.5", ("What is its hidden size?", "And its hidden size?",
                                     "How wide is it?", "How large is its hidden size?")),
        ("the price of M2.5", ("What does it cost when hosted?", "How much is it per million "
                               "tokens?", "And its price?", "What is its price?")),
        ("the memory that M2.5 needs", ("How much memory does it need?", "And how much RAM?",
                                        "How much memory does it take?", "What about memory?",
                                        "How much memory would it use?")),
    )),
    "Jevons": ("what Jevons is", (
        ("the language of Jevons", ("What is it written in?", "In which language is it written?",
                                    "And the programming language?", "Which language does it "
                                    "use?", "What language is it in?")),
        ("the licence of Jevons", ("What is its licence?", "Is it free?", "Is it open source?",
                                   "Which licence does it have?", "And the licence?")),
        ("the name Jevons", ("Why is it called that?", "Where does its name come from?",
                             "Why this name?", "And the name?", "What does the name mean?")),
        ("the commands of Jevons", ("Which commands does it have?", "What commands are there?",
                                    "And its commands?", "Which commands can I use?")),
        ("needing a GPU", ("Does it need a GPU?", "Do I need a graphics card for it?",
                           "Is a GPU needed?", "And without a GPU?", "Must I have a GPU?")),
        ("needing the internet", ("Does it need the internet?", "Does it work offline?",
                                  "Can I use it without a network?", "And offline?",
                                  "Must I be online?")),
        ("the Jevons paradox", ("What is the paradox of that name?", "What is the Jevons paradox?",
                                "Tell me about the paradox.", "And the paradox?")),
        ("how Jevons reports energy", ("Does it measure energy?", "How does it report energy?",
                                       "And the energy?", "What does it say about energy?")),
        ("the APIs of Jevons", ("Which APIs does it speak?", "And its APIs?",
                                "What APIs does it have?", "Which APIs does it offer?")),
    )),
    "sparsity": ("sparsity", (
        ("why sparsity helps", ("Why does that help?", "What is it good for?", "And why?",
                                "What do I gain from it?", "Why is that good?")),
        ("a mixture of experts", ("What is a mixture of experts?", "And a mixture of experts?",
                                  "How is that built?", "What is it made of?")),
        ("the router", ("What is the router?", "Who chooses the experts?", "And the router?",
                        "How are the experts chosen?", "What picks the experts?")),
        ("an expert", ("What is an expert?", "And an expert?", "What do you call an expert?",
                       "What does expert mean?")),
        ("the dense core", ("What does every token read?", "And what is not sparse?",
                            "What is the dense core?", "Which part is always read?")),
        ("a shared expert", ("Is there a shared expert?", "And a shared expert?",
                             "Does M2.5 have a shared expert?", "Has it a shared expert?")),
    )),
    "speed and cost": ("the speed of decoding", (
        ("memory bandwidth", ("What is memory bandwidth?", "What does bandwidth mean?",
                              "And memory bandwidth?", "What is that bandwidth?")),
        ("quantisation", ("How can I make it faster?", "What is quantisation?",
                          "And quantisation?", "How do fewer bits help?")),
        ("energy", ("What about energy?", "How much energy is that?", "And the energy?",
                    "And how much energy is used?")),
        ("speculative decoding", ("What is speculative decoding?", "And speculative decoding?",
                                  "Can it guess tokens?", "What about speculation?")),
        ("the KV cache", ("What is the KV cache?", "And the KV cache?", "What does the KV cache "
                          "hold?", "What is that KV cache for?")),
        ("a model larger than memory", ("What if it does not fit into memory?",
                                        "And when memory is too small?", "Can a model be larger "
                                        "than memory?", "What if the model is too large?")),
    )),
}
BY_TOPIC = {f.topic: f for f in facts.FACTS}
THANKS = (("Thanks.", "You are welcome."), ("I see.", "Good. What would you like to know?"),
          ("Interesting.", "That is good to hear."), ("Okay, thanks.", "You are welcome."))


def check():
    """Every topic named here must be in facts.txt."""
    for opening, more in SUBJECTS.values():
        for topic in (opening, *(t for t, _ in more)):
            assert topic in BY_TOPIC, topic


check()


def follow(rng, held, subject, topic, wordings):
    """A question that leans on the subject of the talk."""
    return [user(choose(rng, wordings, held)),
            assistant(f"The user asks about {topic}. I know this.",
                      rng.choice(BY_TOPIC[topic].answers))]


def talk(rng, held):
    """An opening and one to six follow-ups."""
    subject = rng.choice(list(SUBJECTS))
    opening, more = SUBJECTS[subject]
    out = facts.ask(rng, held, BY_TOPIC[opening])
    for topic, wordings in rng.sample(more, min(len(more), rng.randint(1, 6))):
        if rng.random() < 0.08:
            said, answer = rng.choice(THANKS)
            out += [user(said), assistant("The user is content.", answer)]
        out += follow(rng, held, subject, topic, wordings)
    return out


def group(rng, held=False):
    """(system, no tools, maker) of talks."""
    system = rng.choice((None, None, None, "You are a helpful assistant.", "Be brief.",
                         "You explain Jevons to newcomers."))
    return system, [], lambda rng: talk(rng, held)
