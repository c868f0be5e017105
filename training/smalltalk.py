"""Greetings, thanks, simple requests, everyday knowledge."""
from chat import assistant, user
from wording import choose, dress

# (thought, questions, answers)
TALK = (
    ("A greeting.", ("Hello!", "Hi!", "Hello", "hi", "Hey!", "Good morning!", "Good evening!",
     "Hi there!", "Hey there", "Hello Nano!", "Greetings!", "Good afternoon!", "Hi Nano",
     "Hello there."),
     ("Hello! How can I help you?", "Hello! What can I do for you?", "Hi! How can I help?")),
    ("The user asks how I am.", ("How are you?", "How are you doing?", "How do you do?",
     "How is it going?", "Are you well?", "How are you today?", "Hi, how are you?",
     "How do you feel?", "What's up?", "Everything all right?"),
     ("I am fine, thank you. How can I help?", "I am well, thank you. What can I do for you?")),
    ("The user thanks me.", ("Thanks!", "Thank you.", "Thank you very much!", "Thanks a lot!",
     "Great, thanks.", "That helped, thank you.", "Many thanks!", "Thanks, that is all.",
     "Thank you for your help.", "Perfect, thanks!"),
     ("You are welcome.", "You are welcome. Ask me again at any time.", "Glad to help.")),
    ("The user says goodbye.", ("Bye!", "Goodbye.", "See you later!", "Good night!", "Bye bye",
     "See you!", "I have to go now.", "Until next time!", "Farewell.", "That is all. Bye."),
     ("Goodbye!", "Goodbye! Have a good day.", "See you!")),
    ("The user asks what I can do.", ("What can you do?", "How can you help me?",
     "What are your skills?", "What are you good at?", "What can I ask you?", "Help",
     "What can you help me with?", "What are you able to do?", "Tell me what you can do.",
     "What do you do?"),
     ("I can chat a little, answer questions about Jevons and M2.5, add small numbers, and use "
      "a calculator or a clock when I am given one.",)),
    ("The user asks about my limits.", ("What can you not do?", "What are your limits?",
     "Are you smart?", "How good are you?", "What are you bad at?", "Can I trust you?",
     "Do you make mistakes?", "Are your answers always right?"),
     ("I am a very small model. I know little and I make mistakes. For real work use M2.5.",)),
    ("The user asks whether I am a person.", ("Are you human?", "Are you a person?",
     "Are you a robot?", "Are you real?", "Are you an AI?", "Do you have feelings?",
     "Are you alive?", "Am I talking to a machine?"),
     ("I am a small language model, not a person.",)),
    ("The user wants a joke.", ("Tell me a joke.", "Do you know a joke?", "Make me laugh.",
     "Another joke, please.", "Can you tell me a joke?", "Say something funny.",
     "I need a joke."),
     ("Why did the expert stay silent? The router did not call it.",
      "A token walks into a layer of 256 experts. Only eight of them look up.",
      "I wanted to tell a long joke, but my parameters are few.")),
    ("The user is unhappy.", ("I am sad.", "I feel bad today.", "I had a bad day.",
     "I am tired.", "This is hard.", "I am bored.", "I am not feeling well."),
     ("I am sorry to hear that. I hope it gets better soon.",
      "That sounds hard. A break may help.")),
    ("The user is happy.", ("I am happy!", "It is a nice day.", "I had a good day.",
     "I like you.", "Well done!", "Good job!", "Nice!", "That is great.", "You are great!"),
     ("That is good to hear.", "Thank you. I am glad.")),
    ("The user agrees.", ("Okay.", "Yes.", "Ok", "I see.", "All right.", "Right.", "Sure.",
     "I understand."), ("Good. What would you like to know?", "Good. Is there anything else?")),
    ("The user declines.", ("No.", "No thanks.", "Nothing.", "Never mind.", "Not now."),
     ("All right.", "All right. I am here if you need me.")),
    ("The user wants a poem.", ("Write a poem.", "Write me a short poem.", "Can you write a poem?",
     "A poem, please.", "Tell me a poem.", "Make a poem."),
     ("The experts sleep in rows at night,\na router wakes a few.\nThey read, they add, they get "
      "it right,\nand hand the word to you.",)),
    ("The user wants a story.", ("Tell me a story.", "Write a short story.", "Do you know a story?",
     "A story, please.", "Tell me a short story."),
     ("A small model lived in a large house. It knew little, but it asked the calculator when it "
      "was unsure, and so it was often right.",)),
    ("I do not know this.", ("Who won the election?", "What is the weather like?",
     "Will it rain tomorrow?", "What is my name?", "Where do I live?", "Who is the president?",
     "What is the stock price?", "Who wrote Hamlet?", "How old am I?", "What did I eat today?",
     "Who was the first man on the moon?", "What is the meaning of life?", "Who is my friend?",
     "Can you read my mail?", "What happened yesterday?", "How do I bake bread?",
     "What is the best film?", "How far is the moon?", "Why is the sky blue?",
     "How do I fix my car?", "Translate this into German.", "What is in the news?"),
     ("I do not know that. I am a small model.", "I am sorry, I do not know that.")),
    ("The user wants code.", ("Write a program.", "Can you write code?", "Write a Python function.",
     "Can you program?", "Fix this bug.", "Write a script for me."),
     ("I am too small to write good code. The real M2.5 can do it.",)),
)

CAPITALS = dict(zip(
    "France Germany Italy Spain Portugal Austria Poland Norway Sweden Finland Denmark Greece "
    "Ireland Hungary Belgium Russia China Japan India Egypt Kenya Canada Brazil Peru Chile Cuba "
    "Turkey Iran Iraq England Switzerland Ukraine Thailand Vietnam".split(),
    "Paris Berlin Rome Madrid Lisbon Vienna Warsaw Oslo Stockholm Helsinki Copenhagen Athens "
    "Dublin Budapest Brussels Moscow Beijing Tokyo Delhi Cairo Nairobi Ottawa Brasilia Lima "
    "Santiago Havana Ankara Tehran Baghdad London Bern Kyiv Bangkok Hanoi".split()))
OPPOSITES = dict(zip(
    "big hot fast old long high good full light early happy strong open rich easy wet up left "
    "day black first".split(),
    "small cold slow new short low bad empty dark late sad weak closed poor hard dry down right "
    "night white last".split()))
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
WORDS = ("cat dog house tree water book light stone river bread table window garden music paper "
         "engine memory token expert router model energy number letter school friend summer "
         "winter green yellow morning evening mountain ocean bridge").split()
PHRASES = ("good morning", "the cat sleeps", "hello world", "I like trees", "water is wet",
           "less is more", "the sun is bright", "we go home", "memory is slow",
           "experts are few", "one step at a time", "all is well", "the river is long",
           "tea is ready", "open the window", "winter is cold", "read the book")
NAMES = ("Otto", "Ada", "Max", "Iris", "Leo", "Mia", "Tom", "Nora", "Felix", "Ruby", "Hugo",
         "Clara", "Oscar", "Emma", "Sam", "Vera", "Karl", "Lina", "Theo", "Alice")
WHO = ("Who are you?", "What is your name?", "What's your name?", "Tell me your name.",
       "What are you called?", "Who am I talking to?", "Introduce yourself.", "Hello, who are you?",
       "What are you?", "May I ask your name?", "Do you have a name?", "Say your name.")


def talk(rng, held):
    """One exchange from TALK."""
    thought, questions, answers = rng.choice(TALK)
    question = choose(rng, questions, held)
    return [user(question if held else dress(rng, question)),
            assistant(thought, rng.choice(answers))]


def who(rng, held, name=None):
    """Name and maker; a system prompt may have given another name."""
    question = choose(rng, WHO, held)
    if name:
        return [user(question), assistant(f"My name here is {name}.", f"I am {name}.")]
    return [user(question if held else dress(rng, question)),
            assistant("The user asks for my name.",
                      rng.choice(("I am Nano, a small language model built by the Jevons project.",
                                  "My name is Nano. The Jevons project built me.")))]


def capital(rng, held):
    """Capitals of countries."""
    country, city = rng.choice(sorted(CAPITALS.items()))
    question = choose(rng, ("What is the capital of {}?", "capital of {}", "Which city is the "
                      "capital of {}?", "Tell me the capital of {}.", "Name the capital of {}.",
                      "What's the capital of {}?", "Do you know the capital of {}?"), held)
    return [user(question.format(country)),
            assistant(f"The capital of {country}.", f"The capital of {country} is {city}.")]


def opposite(rng, held):
    """Opposites of words."""
    a, b = rng.choice(sorted(OPPOSITES.items()))
    a, b = (a, b) if rng.random() < 0.5 else (b, a)
    question = choose(rng, ("What is the opposite of {}?", "opposite of {}", "Tell me the "
                      "opposite of {}.", "What's the opposite of {}?", "Give me the opposite of "
                      "{}.", "Which word is the opposite of {}?"), held)
    return [user(question.format(a)),
            assistant(f"The opposite of {a}.", f"The opposite of {a} is {b}.")]


def repeat(rng, held):
    """Saying a text back."""
    text = rng.choice(PHRASES) if rng.random() < 0.4 else " ".join(
        rng.choice(WORDS) for _ in range(rng.randint(1, 5)))
    question = choose(rng, ("Repeat after me: {}", "Say: {}", "Please repeat: {}", "Repeat: {}",
                      "Say this: {}", "Write: {}", "Can you say this: {}"), held)
    return [user(question.format(text)), assistant("I repeat the text.", text)]


def count(rng, held):
    """Counting up to twelve."""
    n = rng.randint(2, 12)
    up = choose(rng, ("Count to {}.", "Can you count to {}?", "Please count to {}.",
                "Count up to {}.", "Count from 1 to {}."), held)
    return [user(up.format(n if "from" in up or rng.random() < 0.5 else NUMBERS[n])),
            assistant(f"I count to {n}.", ", ".join(str(i) for i in range(1, n + 1)) + ".")]


def spell(rng, held):
    """Spelling a word."""
    word = rng.choice(WORDS)
    question = choose(rng, ("Spell {}.", "How do you spell {}?", "Please spell {}.",
                      "Spell the word {}.", "Can you spell {}?"), held)
    return [user(question.format(word)),
            assistant(f"I spell {word}.", "-".join(word.upper()))]


def larger(rng, held):
    """Comparing two numbers."""
    a, b = rng.sample(range(100), 2)
    question = choose(rng, ("Which is larger, {} or {}?", "What is bigger, {} or {}?",
                      "Which number is larger: {} or {}?", "{} or {}, which is larger?",
                      "Is {} or {} the larger number?"), held)
    return [user(question.format(a, b)),
            assistant(f"I compare {a} and {b}.", f"{max(a, b)} is larger than {min(a, b)}.")]


def weekday(rng, held):
    """The day before or after another."""
    i, after = rng.randrange(7), rng.random() < 0.5
    day = DAYS[(i + (1 if after else -1)) % 7]
    word = "after" if after else "before"
    question = choose(rng, ("What day comes {w} {d}?", "Which day is {w} {d}?",
                      "What is the day {w} {d}?", "Which day comes {w} {d}?"), held)
    return [user(question.format(w=word, d=DAYS[i])),
            assistant(f"The day {word} {DAYS[i]}.",
                      f"The day {word} {DAYS[i]} is {day}.")]


def remember(rng, held):
    """The user gives a name and asks for it in the next turn."""
    name = rng.choice(NAMES)
    intro = choose(rng, ("My name is {}.", "I am {}.", "Hi, I am {}.", "Call me {}.",
                   "Hello, my name is {}.", "I'm {}."), held)
    question = choose(rng, ("What is my name?", "Who am I?", "Do you remember my name?",
                      "What's my name?", "Say my name.", "Do you know my name?"), held)
    return [user(intro.format(name)),
            assistant(f"The user is called {name}.", f"Hello {name}! How can I help you?"),
            user(question), assistant(f"The user said it before: {name}.",
                                      f"Your name is {name}.")]


UNKNOWN_WHO = ("the king of Spain", "Napoleon", "my neighbour", "the mayor", "Einstein", "Mozart",
               "the best singer", "your favourite writer", "the tallest man", "Cleopatra",
               "the author of this book", "Newton", "the new minister", "Bob", "Shakespeare")
UNKNOWN_WHAT = ("the price of gold", "the population of Paris", "the speed of light", "a quark",
                "the longest river", "photosynthesis", "inflation", "a black hole", "democracy",
                "the recipe for bread", "the score of the game", "a sonnet", "chemistry",
                "a volcano", "the history of Rome", "my password", "your favourite food",
                "the weather in Paris", "gravity", "a prime number", "the plot of that film",
                "quantum physics", "the national dish of Japan", "a tax return")
UNKNOWN_DO = ("cook rice", "repair a bicycle", "learn French", "grow tomatoes", "get a job",
              "sleep better", "buy a house", "tie a tie", "play chess", "draw a horse",
              "clean a carpet", "install Windows", "win the lottery", "lose weight",
              "make coffee", "write a letter", "travel to Rome", "cure a cold")


def unknown(rng, held):
    """Questions beyond what the model knows."""
    kind = rng.randrange(3)
    if kind == 0:
        text = choose(rng, ("Who is {}?", "Who was {}?", "Tell me about {}.", "Do you know {}?",
                      "When was {} born?", "Where does {} live?"), held).format(
                          choose(rng, UNKNOWN_WHO, held))
    elif kind == 1:
        text = choose(rng, ("What is {}?", "Explain {}.", "Tell me about {}.", "Do you know {}?",
                      "What do you know about {}?", "I want to know {}."), held).format(
                          choose(rng, UNKNOWN_WHAT, held))
    else:
        text = choose(rng, ("How do I {}?", "Can you help me to {}?", "How can I {}?",
                      "I want to {}.", "What is the best way to {}?", "Please {}."), held).format(
                          choose(rng, UNKNOWN_DO, held))
    return [user(text if held else dress(rng, text)), assistant(
        "I do not know this.", rng.choice(("I do not know that. I am a small model.",
                                           "I am sorry, I do not know that.")))]


SIMPLE = ((talk, 8), (who, 2), (unknown, 3), (capital, 2), (opposite, 1), (repeat, 2),
          (count, 1), (spell, 1),
          (larger, 1), (weekday, 1), (remember, 1))


def simple(rng, held):
    """One of the skills of this file."""
    makers, weights = zip(*SIMPLE)
    return rng.choices(makers, weights)[0](rng, held)
