"""Readers that take the paragraphs out of HTML, XML, manual pages, POD, games and dictionaries."""
import gzip
import html
import html.parser
import re

PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"',
                       "\u2013": "-", "\u2014": "-", "\u2026": "...", "\u00a0": " "})
WIDER = PLAIN | {0xb6: None, 0x2212: "-", 0xfb01: "fi", 0xfb02: "fl", 0x200b: None}
OTHER_LANGUAGE = re.compile(
    r"(?:^|[/._-])(?:ar|bg|ca|cs|da|de|el|eo|es|et|eu|fa|fi|fr|gl|he|hr|hu|id|it|ja|ko|lt|lv|nb|"
    r"nl|nn|no|pl|pt|pt[-_]br|pt[-_]pt|ro|ru|sk|sl|sr|sv|ta|te|th|tr|uk|vi|zh|zh[-_]\w\w|"
    r"zh[-_]han[st])(?=[/._]|$)", re.I)
SHORTEST = 70  # characters of a paragraph
BLOCK = re.compile(r"<(?:p|para|simpara|li|dd)(?:\s[^>]*)?>([^<]*(?:<(?!/?(?:p|para|simpara|li|dd|"
                   r"dt|dl|ul|ol|div|body|pre|table|script|style|h\d|screen|programlisting)\b)"
                   r"[^<]*)*)", re.I)
SYMBOLS = re.compile(r"[_={}<>|\\@*~^#&]|::|\(\)|https?:| [,.;:)]|\( ")


class Paragraphs(html.parser.HTMLParser):
    """Collects the text of paragraphs that have no code blocks inside."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.text, self.inside = [], [], False

    def handle_starttag(self, tag, attrs):
        if tag == "p":
            self.flush()
            self.inside = True
        elif tag in ("pre", "table", "script", "style"):
            self.flush()

    def handle_endtag(self, tag):
        if tag in ("p", "div", "li", "body"):
            self.flush()

    def handle_data(self, data):
        if self.inside:
            self.text.append(data)

    def flush(self):
        text = re.sub(r"\s+", " ", "".join(self.text)).strip()
        if self.inside and text:
            self.found.append(text)
        self.text, self.inside = [], False


def marked_up(text):
    """Paragraphs, list items and definitions of HTML or XML, up to the next block."""
    out = []
    for block in BLOCK.findall(text):
        if len(block) >= SHORTEST:
            block = html.unescape(re.sub(r"<[^>]*>", "", block))
            out.append(re.sub(r"\s+", " ", block).strip())
    return out


def manual(text):
    """Paragraphs of a manual page in the macros of man(7)."""
    out, lines = [], []
    for line in text.split("\n") + [".PP"]:
        macro = re.match(r"[.'](\w+|\\\")\s?(.*)", line)
        if not macro:
            lines.append("" if line.startswith((" ", "\t")) else line)
        elif macro[1] in ("B", "I", "BR", "IR", "BI", "IB", "RB", "RI"):
            words = macro[2].replace('"', "")
            lines.append(words if len(macro[1]) == 1 else words.replace(" ", ""))
        elif macro[1] != '\\"':
            joined = re.sub(r"\\f.|\\&|\\/|\\,|\\%|\\c", "", " ".join(lines))
            joined = joined.replace("\\-", "-").replace("\\(aq", "'").replace("\\(em", "-")
            out.append(re.sub(r"\s+", " ", joined).strip())
            lines = []
    return out


def perl_pod(text):
    """Paragraphs of Perl's documentation."""
    out = []
    for block in re.split(r"\n\s*\n", text):
        if not block.startswith((" ", "\t", "=")):
            block = re.sub(r"[A-Z]<+ ?([^<>|]*?)(?:\|[^<>]*)? ?>+", r"\1", block)
            out.append(re.sub(r"\s+", " ", block).strip())
    return out


def plain(text):
    """Paragraphs between empty lines; columns and pictures are left out."""
    out = []
    for block in re.split(r"\n\s*\n", text):
        if not re.search(r"\S {3,}\S|\t\S+\t", block):
            block = re.sub(r"\[[^\]]*\]|[{}]", "", block)
            block = re.sub(r"^\s*(?:\d+\.|\([a-z]\)) ", "", block)
            out.append(re.sub(r"\s+", " ", block).strip())
    return out


def quoted(text):
    """What is said in a game: strings marked for translation, or between backquotes."""
    found = re.findall(r'_ ?"((?:[^"]|"")+)"', text) + re.findall(r"`([^`\n]+)`", text)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", t.replace('""', '"'))).strip()
            for t in found]


READERS = {".html": marked_up, ".htm": marked_up, ".xhtml": marked_up, ".page": marked_up,
           ".docbook": marked_up, ".xml": marked_up, ".pod": perl_pod, ".dz": plain,
           ".cfg": quoted, ".lua": quoted, ".ruleset": quoted, ".txt": quoted}


def reader_of(name):
    """The reader for a file of this name, or None where there is no prose."""
    if re.search(r"\.\d\w*\.gz$", name):
        return manual
    return READERS.get("." + name.removesuffix(".gz").rsplit(".", 1)[-1])


def read(reader, data):
    """The paragraphs in the bytes of a file."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return [t.translate(WIDER) for t in reader(data.decode("utf-8", errors="ignore"))]


def natural(text):
    """Whether a paragraph is a few plain English sentences: no code, no menu, no table."""
    if not (SHORTEST <= len(text) <= 2000 and text.isascii() and text[-1] in ".?!\")"):
        return False
    words = text.split(" ")
    letters = sum(c.isalpha() or c == " " for c in text)
    small = sum(w.islower() for w in words)
    return (len(words) >= 10 and letters / len(text) > 0.9 and small / len(words) > 0.5
            and text[0] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ\"'" and not SYMBOLS.search(text)
            and len(words) * 8 > len(text) and "opyright" not in text)


def is_foreign(path):
    """True for a path that names another language."""
    return bool(OTHER_LANGUAGE.search(path))


def skeleton(text):
    """Letters only, for finding paragraphs that are almost the same."""
    return re.sub(r"[^a-z]+", "", text.lower())
