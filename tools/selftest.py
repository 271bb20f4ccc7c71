#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the checks themselves: each rule must detect a violation."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import basenames
import comments
import commits
import confined
import count
import hardening
import headers
import layers
import prose
import purity
import references
import sizes
import words


class Layers(unittest.TestCase):
    TREE = {"wg/peer.h", "wg/noise.h", "pkt/drop.h", "tap/tap.h", "path/tx.h", "base/list.h"}.__contains__

    def problems(self, path, text):
        return layers.check_file(path, text, self.TREE)

    def test_downwards_is_fine(self):
        self.assertEqual(self.problems("wg/peer.c", '#include "wg/peer.h"\n#include <errno.h>\n#include "pkt/drop.h"\n'), [])

    def test_sideways_and_upwards(self):
        for bad in ("tap/tap.h", "path/tx.h"):
            self.assertEqual(len(self.problems("wg/noise.h", f'#include "{bad}"\n')), 1, bad)

    def test_unknown(self):
        self.assertEqual(len(self.problems("wg/noise.h", '#include "drop.h"\n')), 1)
        self.assertEqual(len(self.problems("new/noise.h", "")), 1)

    def test_own_header_first(self):
        self.assertEqual(len(self.problems("wg/peer.c", '#include <errno.h>\n#include "wg/peer.h"\n')), 1)
        self.assertEqual(len(self.problems("wg/peer_test.c", '#include "pkt/drop.h"\n')), 1)

    def test_cycle(self):
        self.assertEqual(layers.cycles({"a.h": ["b.h"], "b.h": ["c.h"], "c.h": ["a.h"]}),
                         [["a.h", "b.h", "c.h", "a.h"]])
        self.assertEqual(layers.cycles({"a.h": ["b.h", "c.h"], "b.h": ["c.h"]}), [])


class Confined(unittest.TestCase):
    ROWS = confined.table("""# a comment
readv tap readv frames
bind udp before the monitor
malloc * mmap,brk memory
SO_MARK udp before the monitor
""")
    RULES = "ALLOW(readv), ALLOW_IF(mmap, CLEAR(2, PROT_EXEC)), ALLOW(brk), ALLOW_IF(ioctl, EQUAL(1, TUNGETIFF))"

    def problems(self, name, *symbols, rules=RULES):
        return len(confined.of_symbols({name: symbols}, self.ROWS, "memcpy".__eq__, rules))

    def test_symbols(self):
        self.assertEqual(self.problems("tap", "readv", "memcpy", "malloc"), 0)
        self.assertEqual(self.problems("udp", "bind"), 0)
        self.assertEqual(self.problems("udp", "readv"), 1)  # the row is another object's
        self.assertEqual(self.problems("tap", "open"), 1)
        self.assertEqual(self.problems("tap", "readv", rules="ALLOW(read)"), 1)
        self.assertEqual(self.problems("any", "malloc", rules="ALLOW(brk)"), 1)

    def test_others(self):
        def of(symbol):
            where = {"own": ("path", "tx"), "spawn": ("host", "spawn"), "title_set": ("confine", "title")}
            return len(confined.of_others({("path", "tx"): {"own", symbol}}, where))

        self.assertEqual(of("title_set"), 0)
        self.assertEqual(of("memcpy"), 0)
        self.assertEqual(of("spawn"), 1)

    def test_object(self):
        """A call that is added to a file of the engine fails the check, and so the tests of the build."""
        here = os.path.dirname(os.path.abspath(__file__))
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            self.skipTest("no compiler")
        for statement, problem in (("return 0;", ""), ("return socket(1, 2, 3);", "tx.c uses socket"),
                                   ("return (int)syscall(SYS_openat);", "tx.c uses syscall"),
                                   ("return fork();", "tx.c uses fork")):
            with tempfile.TemporaryDirectory() as build:
                folder = os.path.join(build, "src", "path", "libpath.a.p")
                os.makedirs(folder)
                text = "".join(f"#include <{name}.h>\n" for name in ("sys/socket", "sys/syscall", "unistd"))
                subprocess.run([compiler, "-D_GNU_SOURCE", "-xc", "-c", "-o", f"{folder}/tx.c.o", "-"], text=True, check=True,
                               input=f"{text}int f(void)\n{{ {statement} }}\n")
                result = subprocess.run([sys.executable, f"{here}/confined.py", os.path.dirname(here), build], text=True,
                                        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertIn(problem, result.stdout)
                if problem:
                    self.assertNotEqual(result.returncode, 0)
                else:
                    self.assertNotIn("tx.c", result.stdout)

    def test_constants(self):
        def of(name, text):
            return len(confined.of_constants({name: text}, self.ROWS, self.RULES))

        self.assertEqual(of("tap", "ioctl(fd, TUNGETIFF, &ifr)"), 0)
        self.assertEqual(of("tap", "ioctl(fd, TUNSETIFF, &ifr)"), 1)
        self.assertEqual(of("udp", "SO_MARK"), 0)
        self.assertEqual(of("tap", "SO_MARK"), 1)


class Hardening(unittest.TestCase):
    GOOD = {"-hW": "  Type:      DYN (Position-Independent Executable file)\n",
            "-lW": "  GNU_STACK  0x0 0x0 0x0 0x0 0x0 RW  0x10\n  GNU_RELRO  0x3f 0x3f\n  LOAD 0x0 0x0 R E 0x1000\n",
            "-dW": " 0x6ffffffb (FLAGS_1)  Flags: NOW PIE\n"}

    def problems(self, option, old, new):
        return hardening.of_program({**self.GOOD, option: self.GOOD[option].replace(old, new)}.get)

    def test_good(self):
        self.assertEqual(self.problems("-hW", "", ""), [])

    def test_each(self):
        for option, old, new in (("-hW", "DYN", "EXEC"), ("-lW", "GNU_RELRO", ""), ("-lW", "RW ", "RWE"),
                                 ("-lW", "R E", "RWE"), ("-dW", "NOW ", ""), ("-dW", " 0x6f", " (TEXTREL) 0x6f"),
                                 ("-dW", " 0x6f", " (RUNPATH) 0x6f")):
            self.assertEqual(len(self.problems(option, old, new)), 1, (option, old, new))

    def test_options(self):
        command = "cc " + " ".join(hardening.OPTIONS) + " -c a.c"
        self.assertEqual(hardening.of_commands([{"file": "a.c", "command": command}]), [])
        for option in hardening.OPTIONS:
            without = command.replace(option, "")
            self.assertEqual(len(hardening.of_commands([{"file": "a.c", "command": without}])), 1)


class Seams(unittest.TestCase):
    TABLE = {"daemon": {"hidden": ("driver",), "doors": {"daemon/b.c": ("backend/b.h",)}}}
    GRAPH = {"backend/b.h": ["driver/d.h"], "backend/s.h": ["base/x.h"]}

    def problems(self, path, *includes):
        return len(layers.seams({**self.GRAPH, path: list(includes)}, self.TABLE))

    def test_hidden(self):
        self.assertEqual(self.problems("daemon/a.c", "backend/s.h"), 0)
        self.assertEqual(self.problems("daemon/a.c", "driver/d.h"), 1)
        self.assertEqual(self.problems("daemon/a.c", "backend/s.h", "backend/b.h"), 1)
        self.assertEqual(self.problems("check/a.c", "backend/b.h"), 0)

    def test_door(self):
        self.assertEqual(self.problems("daemon/b.c", "backend/b.h"), 0)
        self.assertEqual(self.problems("daemon/b.c", "backend/b.h", "driver/d.h"), 1)


class Circles(unittest.TestCase):
    # a calls b, which calls it back through an inline function of a header that has no .c file.
    TEXTS = {
        "wg/a.h": "void a_go(void);\n",
        "wg/a.c": '#include "wg/a.h"\n#include "wg/b.h"\nvoid a_go(void)\n{\n\tb_go();\n}\n',
        "wg/b.h": "void b_go(void);\n",
        "wg/b.c": '#include "wg/b.h"\n#include "wg/both.h"\nstatic void a_no(void)\n{\n}\n'
                  'void b_go(void)\n{\n\ta_no();\n\tboth(); /* a_go() */\n}\n',
        "wg/both.h": '#include "wg/a.h"\nstatic inline void both(void)\n{\n\ta_go();\n}\n',
    }
    GRAPH = {"wg/a": {"wg/b": {"calls b_go()", "includes wg/b.h"}},
             "wg/b": {"wg/a": {"calls a_go()", "includes wg/a.h"}}}

    def test_modules(self):
        self.assertEqual(layers.modules(self.TEXTS), self.GRAPH)
        self.assertEqual(layers.modules({**self.TEXTS, "wg/b.c": '#include "wg/b.h"\n/* a_go() */\n'})["wg/b"], {})
        self.assertEqual(layers.modules({"wg/a.c": self.TEXTS["wg/a.c"], "tap/b.c": self.TEXTS["wg/b.c"]}),
                         {"wg/a": {}, "tap/b": {}})

    def test_header_of_several(self):
        """A declaration is no call."""
        texts = {"wg/a.h": "void a_go(void);\nvoid b_go(void);\n", "wg/a.c": '#include "wg/a.h"\n',
                 "wg/b.c": '#include "wg/a.h"\nvoid b_go(void)\n{\n}\n'}
        self.assertEqual(layers.modules(texts), {"wg/a": {}, "wg/b": {"wg/a": {"includes wg/a.h"}}})

    def test_circles(self):
        self.assertEqual(layers.circles(self.GRAPH, []), ["circle: wg/a calls b_go(), includes wg/b.h; "
                                                          "wg/b calls a_go(), includes wg/a.h"])
        self.assertEqual(layers.circles(self.GRAPH, [("wg/b", "wg/a")]), [])
        self.assertEqual(layers.circles({"wg/a": {"wg/b": {"calls b_go()"}}, "wg/b": {}}, []), [])

    def test_exempt_without_need(self):
        self.assertEqual(layers.circles(self.GRAPH, [("wg/b", "wg/a"), ("wg/b", "wg/c")]),
                         ["tools/circles-exempt.txt: wg/b -> wg/c is no part of a circle: remove the row"])
        self.assertEqual(len(layers.circles({"wg/a": {"wg/b": {"calls b_go()"}}}, [("wg/a", "wg/b")])), 1)
        self.assertEqual(len(layers.circles(self.GRAPH, [("wg/a", "wg/b"), ("wg/b", "wg/a")])), 2)  # one is enough
        self.assertEqual(layers.read_exempt("# none\nwg/a  wg/b  a reason\n"), [("wg/a", "wg/b")])
        self.assertRaises(SystemExit, layers.read_exempt, "wg/a wg/b\n")


class Headers(unittest.TestCase):
    HEADERS = {"wg/a.h": "/* other(x) */\nint a_go(int x);\nint b_go(\n\tint x);\nstatic inline int c(void)\n{\n}\n"}

    def test_declared_where_it_is_defined(self):
        self.assertEqual(headers.check({"wg/a.c": "int a_go(int x)\n{\n}\nstatic int no(void)\n{\n}\n"}, self.HEADERS, {}), [])

    def test_declared_elsewhere_or_nowhere(self):
        b = {"wg/b.c": "int b_go(\n\tint x)\n{\n}\n"}
        self.assertEqual(len(headers.check(b, self.HEADERS, {})), 1)
        self.assertEqual(headers.check(b, self.HEADERS, {"wg/a.h": ["wg/b.c"]}), [])
        self.assertEqual(len(headers.check({"wg/a.c": "int other(void)\n{\n}\n"}, self.HEADERS, {})), 1)

    def test_called_by_the_linker(self):
        self.assertEqual(headers.check({"wg/test_a.c": "int __wrap_a_go(int x)\n{\n}\n"}, self.HEADERS, {}), [])


class Basenames(unittest.TestCase):
    def test_unique(self):
        self.assertEqual(basenames.check(["wg/peer.c", "wg/peer.h", "wg/peer_test.c", "wg/peers.h", "path/tx.c"]), [])

    def test_in_two_folders(self):
        self.assertEqual(len(basenames.check(["wg/peer.c", "driver/peer.h"])), 1)
        self.assertEqual(len(basenames.check(["wg/peer.c", "driver/peer_test.c"])), 1)


class Sizes(unittest.TestCase):
    def test_c(self):
        text = '''
#define BRACE {
/* } { */
struct s { int a; };
enum e { A, B };
static const struct s table[] = { { 1 }, { 2 } };
static const struct s *one = &(struct s){ 1 };
static int (*pointer)(int) = 0;
_Static_assert(sizeof(int) == 4, "{");

static const char *name(enum e e)
{
	struct s s = { .a = 1 };

	if (e == A) { return "}"; }
	return '{' == 1 ? "\\"{" : ((struct s){ 2 }).a ? "b" : (char *)0; // }
}

__attribute__((noreturn)) void over_several_lines(
	int a,
	int (*fn)(int))
{
}
int declared(void);
'''
        self.assertEqual(sizes.c_functions(text), [("name", 7, 11), ("over_several_lines", 5, 19)])

    def test_folders(self):
        text = "/* a\n * b */\n\nint a; /* c */\n\t// d\nint b;\n"
        files = {"src/wg/a.c": text, "src/wg/a_test.c": text, "src/wg/test_a.h": text, "src/cli/b.c": text,
                 "src/wg/a.h": text, "src/wg/only.h": text, "tools/c.py": text,
                 "bench/d.c": '#include "wg/only.h"\n'}
        files["src/wg/a_test.c"] += '#include "wg/only.h"\n'
        files["src/wg/a.c"] += '#include "wg/a.h"\n'
        self.assertEqual(sizes.by_folder(files), {"wg": 5, "cli": 2})

    def test_python(self):
        self.assertEqual(sizes.python_functions("def f():\n    def g():\n        pass\n    return g\n"),
                         [("f", 4, 1), ("g", 2, 2)])


class Words(unittest.TestCase):
    GOOD = "/* SPDX-License-Identifier: MIT */\n/* The one thing that this file does. */\n"

    def test_licence_and_purpose(self):
        self.assertEqual(words.check_file("src/a.c", self.GOOD), [])
        self.assertEqual(len(words.check_file("src/a.c", "/* The one thing. */\n")), 1)
        self.assertEqual(len(words.check_file("src/a.c", "/* SPDX-License-Identifier: MIT */\n#include <a>\n")), 1)
        self.assertEqual(len(words.check_file("run", "#!/bin/sh\necho\n")), 1)

    def test_forbidden(self):
        for bad in ("cd /wor" + "k/main", "/hom" + "e/someone/x", "http://deb.debian.or" + "g/debian"):
            self.assertEqual(len(words.check_file("doc/a.md", bad)), 1, bad)
        for good in ("sys/work/x", "the network/homepage", "./work/x"):
            self.assertEqual(words.check_file("doc/a.md", good), [], good)


class Glossary(unittest.TestCase):
    # In pieces, so that this file passes the check itself.
    ROWS = words.read_glossary("# none\nmen" + "d(s|ed)?    hint\nmach" + "ines?  host  except state ~, ~ out\nin wor" + "ds?  text\n")

    def found(self, path, text):
        return [p.split(" ", 1)[1] for p in words.check_words(path, text, self.ROWS)]

    def test_words(self):
        self.assertEqual(self.found("a.c", '/* men' + 'ded */ x = "a\\nMen' + 'd"; men' + 'd();\n'),
                         ['"men' + 'ded": write hint', '"Men' + 'd": write hint'])
        self.assertEqual(self.found("a.c", "/* amen" + "d, men" + "d_x, to-men" + "d */"), [])

    def test_exceptions(self):
        word = "mach" + "ine"
        self.assertEqual(self.found("a.md", f"A {word}s, a state {word}."), [f'"{word}s": write host'])
        self.assertEqual(self.found("a.c", f"/* The state\n * {word}; {word} out. */"), [])

    def test_names(self):
        word = "mach" + "ine"
        for path, text, lines in (("a.c", f"int {word}_list; x->{word} = a.{word} + {word}_list;", [1]),
                                  ("a.py", f"\ndef {word}Of(a):\n    return a.{word}()\n", [2]),
                                  ("a.c", f"int state_{word}, {word}ry; /* {word} */", [])):
            self.assertEqual(words.check_names(path, text, self.ROWS), [f'{path}:{n}: "{word}": write host' for n in lines])

    def test_line(self):
        self.assertEqual(words.check_words("a.md", "one\ntwo in" + " words\n", self.ROWS),
                         ['a.md:2: "in' + ' words": write text'])

    def test_documents_only(self):
        self.assertEqual(self.found("a.bin", "men" + "d"), [])

    def test_exempt(self):
        self.assertTrue(words.is_under("src/wg/a.c", ["src/wg"]))
        self.assertFalse(words.is_under("src/wgx/a.c", ["src/wg"]))
        self.assertTrue(words.is_under("README.md", ["README.md"]))


class Prose(unittest.TestCase):
    def test_c(self):
        text = "/* one\n * two */\nint a = '\"'; // three\nconst char *b = \"/* no */\";\n"
        self.assertEqual(prose.pieces("a.c", text), [(1, "comment", "/* one\n * two */"), (3, "comment", "// three"),
                                                    (4, "string", '"/* no */"')])

    def test_python(self):
        text = 'def f():\n    """One."""\n    return "# no"  # two\n'
        self.assertEqual(prose.pieces("a.py", text), [(2, "string", '"""One."""'), (3, "string", '"# no"'),
                                                      (3, "comment", "# two")])

    def test_shell(self):
        text = "#!/bin/sh\n# one\necho $# 'two' \"# no\"\n"
        self.assertEqual(prose.pieces("run", text), [(1, "comment", "#!/bin/sh"), (2, "comment", "# one"),
                                                     (3, "string", "'two'"), (3, "string", '"# no"')])

    def test_documents(self):
        self.assertEqual(prose.pieces("a.md", "# One\n"), [(1, "document", "# One\n")])
        self.assertEqual(prose.pieces("a.pcap", "one"), [])


class Comments(unittest.TestCase):
    def problems(self, text):
        return comments.check_file("a.c", text, {"go"})

    def test_closing(self):
        self.assertEqual(self.problems("/** One\n * two. */\n/*\n * Three.\n */\n/* Four.\n *\n * Five.\n */\n"), [])
        self.assertEqual(self.problems("int a;\n/** One.\n */\n"),
                         ["a.c:3: `*/` stands alone; close the comment after its last word"])

    def test_width(self):
        text = "/* One\n *\t" + "x" * 84 + "{} */\n"
        self.assertEqual(self.problems(text.format("x" * 5)), [])
        self.assertEqual(self.problems(text.format("x" * 6)), ["a.c:2: longer than 100 columns"])

    def test_functions(self):
        self.assertEqual(self.problems("/* go() */ x = \"gone()\";"), [])
        self.assertEqual(self.problems("/* As gone(). Source: Linux net/a.c. */"), [])
        self.assertEqual(self.problems("/* gone() */"), ["a.c:1: the comment names gone(), which is not in the code"])
        self.assertEqual(comments.identifiers("int go(void); /* stay */ char *s = \"no\";"),
                         {"int", "go", "void", "char", "s"})


class Commits(unittest.TestCase):
    BODY = "\n\nA reason.\n"

    def problems(self, message):
        return [p.split(":")[1].strip() for p in commits.check_message("c", message)]

    def test_subject(self):
        self.assertEqual(self.problems("x" * 65 + self.BODY), [])
        self.assertEqual(self.problems("x" * 66 + self.BODY), ["the subject has 66 columns, at most 65 are allowed"])
        self.assertEqual(self.problems("\n\nA reason.\n"), ["no subject"])

    def test_body(self):
        for message in ("wg: go", "wg: go\n\n", "wg: go\n\nSigned-off-by: A <a@b>\n"):
            self.assertEqual(self.problems(message), ["no body"], message)
        self.assertEqual(self.problems("wg: go\nat once, as it is late\n"), ["no blank line after the subject"])
        self.assertEqual(self.problems("wg: go\n\nWhy.\n\nSigned-off-by: A <a@b>\n"), [])

    def test_history(self):
        with tempfile.TemporaryDirectory() as root:
            def run(*words):
                return subprocess.run(["git", "-C", root, *words], check=True, capture_output=True, text=True,
                                      env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}).stdout.strip()

            def commit(message):
                run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", message)
                return run("rev-parse", "HEAD")

            if not shutil.which("git"):
                self.skipTest("git is not installed")
            self.assertRaises(commits.Unavailable, commits.messages, root, "0" * 40)
            run("init", "-q")
            base = commit("old and long " * 9)
            commit("wg: go\n\nWhy.")
            commit("wg: stop")
            self.assertEqual([m.split("\n")[0] for _, m in commits.messages(root, base)], ["wg: stop", "wg: go"])
            self.assertRaisesRegex(commits.Unavailable, "does not contain", commits.messages, root, "0" * 40)
            shallow = os.path.join(root, "shallow")
            run("clone", "-q", "--depth", "1", "file://" + root, shallow)
            self.assertRaisesRegex(commits.Unavailable, "does not contain", commits.messages, shallow, base)


class References(unittest.TestCase):
    FOUND = references.Tree(["README.md", "doc/a.md", "src/wg/peer.c", "src/wg/peer.h", "tests/netns/x_test.py",
                             "bench/wg_tables.c", "tools/words.py"])

    def problems(self, text, path="doc/a.md"):
        return [p.split(" ", 1)[1] for p in references.check_document(path, text, self.FOUND)]

    def test_paths(self):
        for good in ("`src/wg/peer.c`", "`wg/peer.h` and ``src/wg/``", "`peer.c`", "`python3 tools/words.py .`",
                     "`src/*/peer.c`", "`src/wg/NAME.c`", "`netns/x_test.py`", "`bench/wg-tables 9`", "`./README.md`",
                     "`/run/wirespan/a.sock`", "`eth0/eth1`", "`a_function()`, `.c`, `_test.c`, `NAME.c`", "`peer*.c`", "src/wg/no.c in prose",
                     "`tests/netns/x_test.py --only a -v`"):
            self.assertEqual(self.problems(good), [], good)
        for bad in ("`src/wg/no.c`", "`wg/no.c`", "`no.c`", "`src/*/no.c`", "`src/no/NAME.c`", "`tools/no.py .`",
                    "`bench/no 9`", "``src/no/``", "`no*.c`"):
            self.assertEqual(len(self.problems(bad)), 1, bad)

    def test_blocks(self):
        self.assertEqual(self.problems("One\n\n    python3 tools/no.py\n\n```sh\ntests/netns/no.py -v # no.c\n```\n"),
                         ["tools/no.py does not exist", "tests/netns/no.py does not exist"])

    def test_links(self):
        self.assertEqual(self.problems("[a](../src/wg/peer.c) [b](https://x/y.c) [c](#d) [e](a.md#f)"), [])
        self.assertEqual(self.problems("[a](src/wg/peer.c)", "README.md"), [])
        self.assertEqual(self.problems("[a](src/wg/peer.c)"), ["the link leads to src/wg/peer.c, which does not exist"])

    def test_line(self):
        self.assertEqual(references.check_document("a.md", "one\n```\nx\n```\ntwo `no.c`\n", self.FOUND),
                         ["a.md:5: no.c does not exist"])

    def test_variables(self):
        texts = {"a.c": 'x = getenv("ONE"); y = inherited("TWO", &fd); secure("NO");',
                 "a.py": 'os.environ.get("WIRESPAN_A") or os.environ["WIRESPAN_B"] or os.environ["PATH"]'}
        self.assertEqual(references.check_variables(texts, "`ONE`, `TWO=9`, `WIRESPAN_A`, `WIRESPAN_B`"), [])
        self.assertEqual(len(references.check_variables(texts, "ONE `TWO`")), 3)
        row = "| `ONE`, `TWO` | `WIRESPAN_A` `WIRESPAN_B`\n| `NONE`, `PATH` | x |\n"
        self.assertEqual(references.check_variables(texts, row), ["doc/debugging.md: lists $NONE, which nothing reads"])


class Count(unittest.TestCase):
    def counted(self, stdout, result="OK", code=0):
        tally = count.Tally()
        count.program({"name": "p:unit / a", "stdout": stdout, "result": result, "returncode": code}, tally)
        return tuple(tally.count.values())

    def test_programs(self):
        cmocka = "[==========] 3 test(s) run.\n[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] test_a\n"
        self.assertEqual(self.counted(cmocka, "FAIL", 1), (2, 1, 0))
        self.assertEqual(self.counted("[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n"), (2, 0, 1))
        self.assertEqual(self.counted("CASE PASS a\nCASE SKIP b: no c\nCASE PASS d\n"), (2, 0, 1))
        self.assertEqual(self.counted("Ran 12 tests in 0.1s\n\nOK\n"), (12, 0, 0))
        self.assertEqual(self.counted("something else"), (1, 0, 0))
        self.assertEqual(self.counted("why", "SKIP", 77), (0, 0, 1))

    def test_failure_without_a_case_to_blame(self):
        self.assertEqual(self.counted("", "FAIL", -11), (0, 1, 0))
        self.assertEqual(self.counted("[  PASSED  ] 2 test(s).\nLeakSanitizer: 1 leak\n", "FAIL", 1), (2, 1, 0))
        self.assertEqual(self.counted("CASE PASS a\n", "TIMEOUT", -15), (1, 1, 0))


class Purity(unittest.TestCase):
    ROWS = [["mem*", "*", "r"], ["malloc", "conf,netlink", "r"]]

    def test_allowed(self):
        self.assertTrue(purity.allowed("memcpy", "wg", self.ROWS))
        self.assertTrue(purity.allowed("malloc", "conf", self.ROWS))
        self.assertFalse(purity.allowed("malloc", "wg", self.ROWS))
        self.assertFalse(purity.allowed("read", "conf", self.ROWS))

    def test_dump(self):
        dump = ("0000000000000000 l     O .bss\t0000000000000004 counter\n"
                "0000000000000000 g     O .data.rel.ro.local\t0000000000000010 table\n"
                "0000000000000000         *UND*\t0000000000000000 memcpy\n"
                "0000000000000000 g     F .text\t000000000000001c .hidden noun_verb\n")
        rows = [(m["section"], m["name"]) for m in purity.ROW.finditer(dump)]
        self.assertEqual(rows, [(".bss", "counter"), (".data.rel.ro.local", "table"), ("*UND*", "memcpy"),
                                (".text", "noun_verb")])
        self.assertFalse(purity.CONSTANT.match(".bss"))
        self.assertFalse(purity.CONSTANT.match(".data.rel.local"))
        self.assertTrue(purity.CONSTANT.match(".data.rel.ro.local"))


if __name__ == "__main__":
    unittest.main()
