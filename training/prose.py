"""Plain English prose from freely licensed Debian documentation packages.

Downloads the packages with apt-get, unpacks them and keeps the paragraphs.
The sources and their licences are listed in README.md.
"""
import argparse
import pathlib
import random
import re
import subprocess
import tarfile

from prose_readers import (PLAIN, Paragraphs, is_foreign, natural, read, reader_of,
                           skeleton)

PACKAGES = {
    "debian-reference-en": "usr/share/debian-reference",
    "developers-reference": "usr/share/developers-reference",
    "debian-faq": "usr/share/doc/debian/FAQ",
    "debian-handbook": "usr/share/doc/debian-handbook/html/en-US",
    "debmake-doc": "usr/share/doc/debmake-doc/html",
    "maint-guide": "usr/share/doc/maint-guide/html",
    "python3.11-doc": "usr/share/doc/python3.11/html",
    "wordnet-base": "usr/share/wordnet",
}
# taken in later: their paragraphs are split apart, so that what was held out before stays held out
MORE = {
    "sqlite3-doc": "usr/share/doc/sqlite3",
    "postgresql-doc-15": "usr/share/doc/postgresql-doc-15/html",
    "git-doc": "usr/share/doc/git-doc",
    "apache2-doc": "usr/share/doc/apache2-doc/manual/en",
    "python-django-doc": "usr/share/doc/python-django-doc/html",
    "sphinx-doc": "usr/share/doc/sphinx-doc/html",
}
# each package: what it may say; read straight from the archive, every kind of file by its reader
SOURCES = [line.split(": ") for line in
           pathlib.Path(__file__).with_name("prose_sources.txt").read_text().splitlines()]
PYTHON_PARTS = ("tutorial", "faq", "howto", "glossary", "using", "extending")


def is_english(path):
    """True for pages in English (others carry a language code in the name)."""
    codes = re.findall(r"\.([a-z]{2}(?:[-_][a-zA-Z]{2})?)\.html", path.name)
    return all(c == "en" for c in codes)


def good(text):
    """Keeps sentences of words; drops menus, code and foreign scripts."""
    if not 60 <= len(text) <= 1200 or text[-1] not in ".:!?" or not text.isascii():
        return False
    letters = sum(c.isalpha() or c == " " for c in text)
    return letters / len(text) > 0.88 and "Copyright" not in text


def wordnet_sentences(folder):
    """Example sentences and definitions of the dictionary's glosses."""
    for name in ("data.noun", "data.verb", "data.adj", "data.adv"):
        for line in open(folder / name, encoding="utf-8", errors="ignore"):
            if line.startswith("  ") or "|" not in line:
                continue
            word = line.split()[4].replace("_", " ")
            word = re.sub(r"\(.*", "", word)
            gloss = line.split("|", 1)[1].strip()
            examples = re.findall(r'"([^"]{12,160})"', gloss)
            meaning = gloss.split(";")[0].strip()
            yield word, meaning, examples


def paragraphs(root, packages):
    """The good paragraphs of the packages, sorted, none twice."""
    out = set()
    for package, folder in packages.items():
        base = root / folder
        for path in sorted(base.rglob("*.html")):
            if package == "python3.11-doc" and not any(
                    p in str(path.relative_to(base)) for p in PYTHON_PARTS):
                continue
            if not is_english(path) or "_modules" in path.parts:
                continue
            parser = Paragraphs()
            parser.feed(path.read_text(encoding="utf-8", errors="ignore"))
            parser.flush()
            out.update(t for t in (p.translate(PLAIN).replace("\u00b6", "")
                                   for p in parser.found) if good(t))
    return sorted(out)


def collect(root, seed=0):
    """Paragraphs of documentation, and groups of dictionary sentences."""
    docs, rng, sentences = paragraphs(root, PACKAGES), random.Random(seed), []
    if (root / PACKAGES["wordnet-base"]).exists():
        for word, meaning, examples in wordnet_sentences(root / PACKAGES["wordnet-base"]):
            sentences += [e[0].upper() + e[1:].rstrip(" .") + "." for e in examples
                          if e.isascii() and " " in e]
    rng.shuffle(sentences)
    groups = [" ".join(sentences[i:i + 5]) for i in range(0, len(sentences), 5)]
    return docs, groups


def collect_more(root, known):
    """Paragraphs that came later: other documentation, and the dictionary's definitions."""
    known, rng = set(known), random.Random(2)
    docs = [t for t in paragraphs(root, MORE) if t not in known]
    meanings = []
    if (root / PACKAGES["wordnet-base"]).exists():
        for word, meaning, _ in wordnet_sentences(root / PACKAGES["wordnet-base"]):
            if meaning.isascii() and word.isascii() and len(meaning) > 20:
                meanings.append(f"{word[0].upper()}{word[1:]}: {meaning.rstrip(' .')}.")
    rng.shuffle(meanings)
    texts = docs + [" ".join(meanings[i:i + 5]) for i in range(0, len(meanings), 5)]
    rng.shuffle(texts)
    return texts


def archive_paragraphs(deb):
    """The natural paragraphs of a package, sorted by file name; kept beside it for the next run."""
    kept = deb.with_suffix(".txt")
    if kept.exists():
        return kept.read_text().splitlines()
    found = {}
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                reader = reader_of(member.name)
                if reader and member.isfile() and not is_foreign(member.name):
                    texts = read(reader, archive.extractfile(member).read())
                    found[member.name] = [t for t in texts if t and natural(t)]
    texts = [text for name in sorted(found) for text in found[name]]
    kept.write_text("".join(t + "\n" for t in texts))
    return texts


def collect_last(debs, known):
    """Natural paragraphs of the packages in SOURCES, none twice, none that is known already."""
    seen, texts = {skeleton(t) for t in known}, []
    for package, _ in SOURCES:
        for deb in sorted(debs.glob(f"{package}_*.deb")):
            for text in archive_paragraphs(deb):
                bones = skeleton(text)
                if bones not in seen:
                    seen.add(bones)
                    texts.append(text)
    random.Random(3).shuffle(texts)
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--no-download", action="store_true")
    args = parser.parse_args()
    debs, root = args.work / "deb", args.work / "ex"
    debs.mkdir(parents=True, exist_ok=True)
    root.mkdir(exist_ok=True)
    if not args.no_download:
        for package in [*PACKAGES, *MORE, *(name for name, _ in SOURCES)]:
            subprocess.run(["apt-get", "download", package], cwd=debs, check=False)
    for package in PACKAGES | MORE:
        for deb in sorted(debs.glob(f"{package}_*.deb")):
            subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    docs, groups = collect(root)
    rng = random.Random(1)
    texts = docs + groups
    rng.shuffle(texts)
    more = collect_more(root, docs)
    last = collect_last(debs, texts + more)
    held, taught = [], []
    for part in (texts, more, last):
        held += part[:len(part) // 50]
        taught += part[len(part) // 50:]
    (args.work / "prose_held.txt").write_text("\n".join(held) + "\n")
    (args.work / "prose.txt").write_text("\n".join(taught) + "\n")
    print(f"{len(docs)} paragraphs, {len(groups)} groups of sentences, {len(more)} later, "
          f"{len(last)} last, {sum(map(len, held + taught)) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
