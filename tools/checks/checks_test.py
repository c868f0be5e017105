"""Each check finds what it is there to find, and nothing in clean text."""
import os
import tempfile
import unittest

import include_rules
import links
import sizes
import stray_text


class IncludeRules(unittest.TestCase):
    def problems(self, name, text):
        return include_rules.check_source(name, text)

    def test_downwards_is_fine(self):
        text = '#include "weights/m2_weights.h"\n#include <vector>\n#include "base/result.h"\n'
        self.assertEqual(self.problems("src/model/model.h", text), [])

    def test_upwards_is_found_with_its_line(self):
        found = self.problems("src/model/model.h", '#include <vector>\n#include "engine/engine.h"')
        self.assertEqual(found, ["src/model/model.h:2: model may not include engine/engine.h"])

    def test_single_header_permissions(self):
        self.assertEqual(
            self.problems("src/weights/a.h", '#include "kernels/block_formats.h"'), [])
        self.assertEqual(len(self.problems("src/weights/a.h", '#include "kernels/isa.h"')), 1)

    def test_kernels_do_not_see_base(self):
        self.assertEqual(len(self.problems("src/kernels/a.cpp", '#include "base/check.h"')), 1)

    def test_text_and_model_do_not_know_each_other(self):
        self.assertEqual(len(self.problems("src/text/a.cpp", '#include "model/model.h"')), 1)
        self.assertEqual(len(self.problems("src/model/a.cpp", '#include "text/chat.h"')), 1)

    def test_relative_and_bare_names(self):
        self.assertEqual(len(self.problems("src/text/a.cpp", '#include "chat.h"')), 1)
        self.assertEqual(len(self.problems("src/text/a.cpp", '#include "../text/chat.h"')), 1)

    def test_json_only_in_sources(self):
        text = "#include <nlohmann/json.hpp>"
        self.assertEqual(len(self.problems("src/text/a.h", text)), 1)
        self.assertEqual(self.problems("src/text/a.cpp", text), [])

    def test_unknown_room(self):
        self.assertEqual(len(self.problems("src/cellar/a.cpp", "")), 1)

    def test_cmake(self):
        good = "jevons_room(model\n  SOURCES a.cpp\n  DEPENDS base weights kernels)"
        bad = "jevons_room(text SOURCES a.cpp DEPENDS base weights LIBRARIES fmt::fmt)"
        self.assertEqual(include_rules.check_cmake("x", good), [])
        self.assertEqual(include_rules.check_cmake("x", bad),
                         ["x:1: text may not depend on weights"])

    def test_names(self):
        self.assertEqual(len(include_rules.check_name("src/base/" + "utils" + ".h")), 1)
        self.assertEqual(include_rules.check_name("src/base/utf8.h"), [])


def function_of(n_lines):
    return "void f() {\n" + "  g();\n" * (n_lines - 2) + "}\n"


class Sizes(unittest.TestCase):
    def test_long_file(self):
        self.assertEqual(sizes.check("a.cpp", "int a;\n" * 500), [])
        self.assertEqual(len(sizes.check("a.cpp", "int a;\n" * 501)), 1)

    def test_long_line(self):
        self.assertEqual(sizes.check("a.cpp", "/" * 100 + "\n"), [])
        self.assertEqual(len(sizes.check("a.cpp", "\n" + "/" * 101 + "\n")), 1)
        self.assertEqual(sizes.check("a.cpp", "//" + "\u00e9" * 98 + "\n"), [])

    def test_long_function(self):
        self.assertEqual(sizes.check("a.cpp", function_of(80)), [])
        self.assertEqual(sizes.check("a.cpp", "\n" + function_of(81)),
                         ["a.cpp:2: a function of 81 lines, at most 80"])

    def test_function_inside_scopes(self):
        text = "namespace a {\nclass B {\n public:\n" + function_of(81) + "};\n}\n"
        self.assertEqual(len(sizes.check("a.cpp", text)), 1)
        text = "namespace a {\nclass B {\n" + function_of(60) + function_of(60) + "};\n}\n"
        self.assertEqual(sizes.check("a.cpp", text), [])

    def test_tables_and_braces_in_text(self):
        table = "constexpr int kTable[] = {\n" + "  1,\n" * 200 + "};\n"
        self.assertEqual(sizes.check("a.cpp", table), [])
        text = "void f() {\n  g(\"{\", '{', R\"(\n{{\n)\");  // {\n}\n" + function_of(79)
        self.assertEqual(sizes.check("a.cpp", text), [])
        self.assertEqual(sizes.cpp_functions(text), [(1, 5), (6, 79)])

    def test_digit_separators_are_not_characters(self):
        self.assertEqual(sizes.cpp_functions("int f() { return 1'000; }\nint g() {\n}\n"),
                         [(1, 1), (2, 2)])

    def test_python(self):
        text = "def f():\n" + "    pass\n" * 80
        self.assertEqual(len(sizes.check("a.py", text)), 1)
        self.assertEqual(len(sizes.check("a.py", "def f(:\n")), 1)


class StrayText(unittest.TestCase):
    def test_machine_paths(self):
        for path in ("/wor" + "k/main", "/hom" + "e/joe/x", "/tm" + "p/x", "/roo" + "t/.x"):
            self.assertEqual(len(stray_text.check("a", f"open {path} now")), 1, path)
        for text in ("src/work/x", "~/.config/jevons", "/usr/share/x", "the home/user of it"):
            self.assertEqual(stray_text.check("a", text), [], text)

    def test_mirrors(self):
        self.assertEqual(len(stray_text.check("a", "https://registr" + "y.npmjs.org/x")), 1)


class Links(unittest.TestCase):
    def test_targets(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "docs"))
            os.makedirs(os.path.join(root, "src"))
            open(os.path.join(root, "docs", "A.md"), "w").close()
            open(os.path.join(root, "src", "a.h"), "w").close()
            good = "[a](A.md#x) [b](../src/a.h) [c](https://x.y/z) `src/a.h:12` `src/a.h`."
            self.assertEqual(links.check("docs/B.md", good, root), [])
            bad = "\n[a](C.md)\n`src/b.h`\n```\n`src/none.h`\n```\n"
            self.assertEqual(links.check("docs/B.md", bad, root),
                             ["docs/B.md:2: there is no docs/C.md",
                              "docs/B.md:3: there is no src/b.h"])


if __name__ == "__main__":
    unittest.main()
