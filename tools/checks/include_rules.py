"""Who may include whom. Rooms depend downwards only, in sources and in CMake's DEPENDS."""
import os
import re
import sys

import sources

# A room may include itself, base, and the rooms listed here. ROOM/FILE.h means that header alone.
ALLOWED = {
    "base": set(),
    "kernels": set(),
    "weights": {"kernels/block_formats.h"},
    "text": set(),
    "model": {"weights", "kernels"},
    "engine": {"text", "model"},
    "meter": {"weights"},
    "api": {"engine/engine.h", "text", "meter"},
    "agent": {"engine/engine.h", "text", "meter"},
    "convert": {"model", "weights", "text", "kernels"},
    "app": {"base", "kernels", "weights", "text", "model", "engine", "meter", "api", "agent",
            "convert"},
}
WITHOUT_BASE = {"kernels"}
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
ROOM_CALL = re.compile(r"jevons_room\(\s*(\w+)(.*?)\)", re.DOTALL)
JSON_HEADER = "nlohmann/"


def may_include(room, header):
    target = header.split("/")[0]
    if target == room or (target == "base" and room not in WITHOUT_BASE):
        return True
    return target in ALLOWED[room] or header in ALLOWED[room]


def check_source(name, text):
    """Problems of one source file, as 'path:line: what'."""
    problems = []
    parts = name.split("/")
    room = parts[1] if parts[0] == "src" and len(parts) > 2 else None
    if room is not None and room not in ALLOWED:
        return [f"{name}:1: {room} is not a room; tools/checks/include_rules.py lists them"]
    for match in INCLUDE.finditer(text):
        quote, header = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if room is not None and name.endswith(".h") and header.startswith(JSON_HEADER):
            problems.append(f"{name}:{line}: {header} belongs in .cpp files only")
        if quote != '"':
            continue
        target = header.split("/")[0]
        if "/" not in header or target not in ALLOWED:
            # Tests, benchmarks and fuzzers may share a header within their own folder, and
            # those of tests/.
            own = os.path.join(os.path.dirname(name), os.path.basename(header))
            shared = header if header.startswith("tests/") else own
            if room is not None or not os.path.isfile(os.path.join(sources.ROOT, shared)):
                problems.append(f'{name}:{line}: write "room/file.h" instead of "{header}"')
        elif room is not None and not may_include(room, header):
            problems.append(f"{name}:{line}: {room} may not include {header}")
    return problems


def check_cmake(name, text):
    """Problems of a room's CMakeLists.txt: DEPENDS must follow the same list."""
    problems = []
    for match in ROOM_CALL.finditer(text):
        room, body = match.groups()
        words = body.split()
        if "DEPENDS" not in words:
            continue
        depends = words[words.index("DEPENDS") + 1:]
        for keyword in ("LIBRARIES", "SOURCES"):
            if keyword in depends:
                depends = depends[:depends.index(keyword)]
        reachable = {header.split("/")[0] for header in ALLOWED.get(room, set())} | {"base"}
        for target in depends:
            if target not in reachable or (target == "base" and room in WITHOUT_BASE):
                problems.append(f"{name}:1: {room} may not depend on {target}")
    return problems


def check_name(name):
    stems = {part.split(".")[0].lower() for part in name.split("/")}
    return [f"{name}:1: no file or folder is called {bad}" for bad in sorted(stems & BANNED_NAMES)]


def main():
    problems = []
    for name in sources.project_files():
        problems += check_name(name)
        if name.endswith((".h", ".cpp")):
            problems += check_source(name, sources.read_text(name) or "")
        elif name.startswith("src/") and name.endswith("CMakeLists.txt"):
            problems += check_cmake(name, sources.read_text(name) or "")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
