"""Files of at most 500 lines, lines of at most 100 columns, functions of at most 80 lines."""
import ast
import re
import sys

import sources

MAX_FILE_LINES = 500
MAX_COLUMNS = 100
MAX_FUNCTION_LINES = 80
ENDINGS = (".h", ".cpp", ".py", ".cmake", "CMakeLists.txt", ".ts", ".sh")

# Tables of data, not code: they may be long.
EXEMPT_FILES = set()

SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b|extern\s*$")


def blank_text(source):
    """C++ with comments, strings and preprocessor lines blanked out; line breaks stay."""
    pattern = re.compile(
        r'R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"'            # raw strings
        r'|//[^\n]*|/\*.*?\*/'                            # comments
        r'|"(?:\\.|[^"\\\n])*"'                           # strings
        r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'"          # characters, not digit separators
        r"|^[ \t]*#(?:[^\n\\]|\\\n|\\.)*",                # preprocessor
        re.DOTALL | re.MULTILINE)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def cpp_functions(source):
    """(first line, number of lines) of every body that stands in no other function."""
    text = blank_text(source)
    found = []
    header_start = 0
    depth = 0           # braces open inside the current body
    body_line = 0
    line = 1
    for i, char in enumerate(text):
        if char == "\n":
            line += 1
        elif char == "{":
            if depth > 0:
                depth += 1
                continue
            header = text[header_start:i]
            is_scope = SCOPE.search(header) and not header.rstrip().endswith(")")
            if is_scope or not header.strip():
                header_start = i + 1
                continue
            depth = 1
            is_function = "(" in header and not header.rstrip().endswith("=")
            body_line = line if is_function else 0
        elif char == "}":
            if depth > 0:
                depth -= 1
                if depth == 0 and body_line:
                    found.append((body_line, line - body_line + 1))
            if depth == 0:
                header_start = i + 1
        elif char == ";" and depth == 0:
            header_start = i + 1
    return found


def python_functions(source):
    nodes = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(node.lineno, node.end_lineno - node.lineno + 1)
            for node in ast.walk(ast.parse(source)) if isinstance(node, nodes)]


def check(name, text):
    if name in EXEMPT_FILES:
        return []
    problems = []
    lines = text.split("\n")
    n_lines = len(lines) - (1 if lines[-1] == "" else 0)
    if n_lines > MAX_FILE_LINES:
        problems.append(f"{name}:1: {n_lines} lines, at most {MAX_FILE_LINES}")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            problems.append(f"{name}:{number}: {len(line)} columns, at most {MAX_COLUMNS}")
    functions = []
    if name.endswith((".h", ".cpp")):
        functions = cpp_functions(text)
    elif name.endswith(".py"):
        try:
            functions = python_functions(text)
        except SyntaxError as error:
            problems.append(f"{name}:{error.lineno}: {error.msg}")
    problems += [f"{name}:{line}: a function of {n} lines, at most {MAX_FUNCTION_LINES}"
                 for line, n in functions if n > MAX_FUNCTION_LINES]
    return problems


def main():
    problems = []
    for name in sources.project_files(ENDINGS):
        problems += check(name, sources.read_text(name) or "")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
