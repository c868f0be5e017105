"""A chat on a pseudo terminal, as a person has it: chat_on_a_terminal.py PROGRAM MODEL."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAM, MODEL = (os.path.abspath(path) for path in sys.argv[1:3])
TIMEOUT_S = 60
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Chat:
    """The program on a terminal of its own, in a folder of its own."""

    def __init__(self, *arguments, columns=80):
        self.folder = tempfile.TemporaryDirectory()
        self.raw = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {name: value for name, value in os.environ.items()
                           if not name.startswith("JEVONS_") and name != "NO_COLOR"}
            environment.update(TERM="xterm", XDG_STATE_HOME=self.folder.name,
                               JEVONS_CONFIG=os.path.join(self.folder.name, "none.toml"))
            try:
                os.chdir(self.folder.name)
                os.execve(PROGRAM, [PROGRAM, "run", "-m", MODEL, *arguments], environment)
            finally:
                os._exit(127)
        self.resize(columns)

    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_some(self, wait_s):
        if not select.select([self.fd], [], [], wait_s)[0]:
            return False
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # the program is gone
            chunk = b""
        self.raw += chunk.decode(errors="replace")
        return bool(chunk)

    def expect(self, pattern):
        """Waits until `pattern` appears in what came since the last call; returns the match."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            shown = ESCAPES.sub("", self.raw)
            match = re.search(pattern, shown)
            if match:
                self.raw = shown[match.end():]
                return match
            if time.monotonic() > end or (not self.read_some(1.0) and self.has_ended()):
                raise AssertionError(f"no {pattern!r} in {self.raw!r}")

    def ask(self, text):
        """Sends a line and returns what was shown until the closing line."""
        self.send(text + "\r")
        return self.expect(r"(?s)(.*)prompt \d+ tokens.*context \d+/\d+").group(1)

    def has_ended(self):
        pid, _ = os.waitpid(self.pid, os.WNOHANG)
        return pid != 0

    def leave(self, keys="\x04"):
        """Ctrl-D, or what is given; returns the exit code."""
        self.send(keys)
        while self.read_some(TIMEOUT_S):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.folder.cleanup()
        return os.waitstatus_to_exitcode(status)

    def is_in_line_mode(self):
        """Whether the terminal echoes and reads lines, as a shell wants it back."""
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ICANON) and bool(flags & termios.ECHO)


class ChatOnATerminal(unittest.TestCase):
    def start(self, *arguments, **options):
        chat = Chat("--temp", "0", "-n", "300", *arguments, **options)
        chat.expect(r"Ctrl-D leaves")
        chat.expect(r"> ")
        return chat

    def test_question_and_answer(self):
        chat = self.start()
        self.assertIn("42", chat.ask("What is 17 plus 25?"))
        chat.expect("> ")
        self.assertEqual(chat.leave(), 0)

    def test_reasoning_is_dimmed_or_hidden(self):
        question = "What is 17 plus 25?"
        answer = json.loads(subprocess.run(
            [PROGRAM, "run", "-m", MODEL, "--temp", "0", "--json", "-p", question],
            capture_output=True, check=True).stdout)
        thought = re.escape(answer["reasoning"].splitlines()[0][:12])
        chat = self.start()
        chat.raw = ""
        chat.send(question + "\r")
        while "context" not in chat.raw:
            self.assertTrue(chat.read_some(TIMEOUT_S))
        self.assertRegex(chat.raw, r"\x1b\[2m" + thought + r"[^\x1b]*\x1b\[0m")
        chat.leave()
        chat = self.start("--hide-reasoning")
        shown = chat.ask(question)
        self.assertIn(answer["text"].strip(), shown.replace("\r", ""))
        self.assertNotRegex(shown, thought)
        chat.leave()

    def test_tools(self):
        chat = self.start("--tools", "calculator,clock")
        shown = chat.ask("What is 1234 times 567?")
        self.assertRegex(shown, r"→ calculator \{.*1234 \* 567.*\}")
        self.assertIn("← 699678", shown)
        chat.leave()

    def test_commands(self):
        chat = self.start()
        chat.ask("What is 17 plus 25?")
        chat.send("/help\r")
        chat.expect(r"/regen +answers")
        chat.send("/system Speak slowly.\r")
        chat.expect("system message: Speak slowly")
        chat.send("/save talk.json\r")
        chat.expect("3 messages in talk.json")
        with open(os.path.join(chat.folder.name, "talk.json"), encoding="utf-8") as file:
            talk = json.load(file)
        self.assertEqual([message["role"] for message in talk["messages"]],
                         ["system", "user", "assistant"])
        chat.send("/reset\r")
        chat.expect("forgotten")
        chat.send("/regen\r")
        chat.expect("no question to answer")
        chat.send("/load talk.json\r")
        chat.expect("3 messages from talk.json")
        chat.send("/regen\r")
        chat.expect(r"prompt \d+ tokens")
        chat.send("/load none.json\r")
        chat.expect("cannot open none.json")
        chat.send("/statts\r")
        chat.expect("did you mean /stats")
        chat.send("/stats\r")
        chat.expect(r"(?s)2 answers; .*context \d+/")
        chat.send("/exit\r")
        self.assertEqual(chat.leave(""), 0)

    def test_interrupts(self):
        chat = self.start("-c", "65536", "-n", "300")
        # While a long prompt is read.
        text = "The quick brown fox jumps over the lazy dog. " * 2400
        chat.send("\x1b[200~" + text + "\x1b[201~")
        chat.expect(r"\[paste 1: \d+ bytes\]")
        chat.send("\r")
        chat.expect("reading the prompt")
        chat.send("\x03")
        chat.expect("taken back")
        # At a prompt with text, then without.
        chat.expect("> ")
        chat.send("half a line")
        chat.expect("half a line")
        chat.send("\x03")
        chat.expect("> ")
        self.assertIn("42", chat.ask("What is 17 plus 25?"))
        chat.expect("> ")
        chat.send("\x03")
        chat.expect("Ctrl-C again")
        self.assertEqual(chat.leave("\x03"), 130)

    def test_interrupted_answer(self):
        chat = self.start("--temp", "1", "--seed", "3", "-n", "4000")
        for _ in range(20):
            chat.send("Tell me a very long story.\r")
            chat.expect("story.")
            chat.read_some(TIMEOUT_S)
            chat.send("\x03")
            shown = chat.expect(r"stopped[^\n]*|prompt \d+ tokens").group()
            if shown.startswith("stopped"):
                break
        else:
            self.fail("Ctrl-C never came in time to stop an answer")
        chat.expect("> ")
        chat.leave()

    def test_pasted_lines_are_one_message(self):
        chat = self.start()
        chat.send("Add: \x1b[200~17\r25\x1b[201~")
        chat.expect(r"\[paste 1: 2 lines\]")
        chat.ask("")
        chat.send("/save talk.json\r")
        chat.expect("2 messages in")
        with open(os.path.join(chat.folder.name, "talk.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["messages"][0]["content"], "Add: 17\n25")
        chat.leave()

    def test_continued_line_and_history(self):
        chat = self.start()
        chat.send("What is 17\\\r")
        chat.expect("… ")
        chat.ask("plus 25?")
        chat.expect("> ")
        with open(os.path.join(chat.folder.name, "jevons", "history"), encoding="utf-8") as file:
            self.assertIn("plus", file.read())
        chat.send("\x1b[A")
        chat.expect("plus 25?")
        chat.leave("\x15\x04")

    def test_narrow_terminal(self):
        chat = self.start(columns=20)
        self.assertIn("42", chat.ask("What is 17 plus 25?"))
        chat.resize(12)
        chat.ask("日本語の文章はとても長い")
        chat.leave()

    def test_one_prompt_in_a_terminal(self):
        chat = Chat("--temp", "0", "-p", "What is 17 plus 25?")
        chat.expect(r"(?s)42.*prompt \d+ tokens")
        self.assertEqual(chat.leave(""), 0)

    def test_terminal_is_given_back(self):
        chat = self.start()
        self.assertFalse(chat.is_in_line_mode())
        os.kill(chat.pid, signal.SIGTERM)
        while chat.read_some(TIMEOUT_S):
            pass
        self.assertTrue(chat.raw.endswith("\r\n") or "\x1b[?2004l" in chat.raw)
        _, status = os.waitpid(chat.pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGTERM)
        os.close(chat.fd)
        chat.folder.cleanup()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
