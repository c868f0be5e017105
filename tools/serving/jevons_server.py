"""A jevons server as a child process, and requests to it, for the measurements beside this file."""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_BINARY = os.path.join(ROOT, "build/release/jevons")
NANO = os.path.join(ROOT, "models/nano.gguf")


class Server:
    """Starts on a free port of the loopback and waits until the model answers."""

    def __init__(self, *flags, binary=DEFAULT_BINARY, model=NANO, log=None):
        self.log = open(log or os.devnull, "ab")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "-m", model, *flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if "http" not in line:
            raise SystemExit(f"the server did not start: {line!r}")
        self.port = int(re.search(r"://[^ ]*:([0-9]+)", line).group(1))
        self.end_of_turn = end_of_turn(binary, model)
        self.wait_ready()

    def wait_ready(self, seconds=600):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.request("GET", "/health/ready", timeout=5)[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended with {self.process.returncode}")
            time.sleep(0.02)
        raise SystemExit("the server did not become ready")

    def request(self, method, path, body=None, headers=None, timeout=600):
        """(status, parsed body or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json",
                                                **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def chat(self, prompt, **fields):
        """One answer, not streamed: the parsed body."""
        headers = fields.pop("headers", None)
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}
        status, answer = self.request("POST", "/v1/chat/completions", body, headers)
        if status != 200:
            raise RuntimeError(f"status {status}: {answer}")
        return answer

    def stream(self, prompt, headers=None, **fields):
        """Yields (seconds since the request, parsed chunk) of a streamed answer."""
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": True,
                "stream_options": {"include_usage": True}, **fields}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        begin = time.monotonic()
        connection.request("POST", "/v1/chat/completions", json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {response.read()[:300]}")
        for line in response:
            if line.startswith(b"data: ") and line.strip() != b"data: [DONE]":
                yield time.monotonic() - begin, json.loads(line[6:])
        connection.close()

    def never_ending(self):
        """A logit_bias that keeps the model from ending its turn."""
        return {str(self.end_of_turn): -100}

    def status(self):
        return self.request("GET", "/v1/jevons/status")[1]

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        return 0

    def n_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def thread_seconds(self):
        """CPU seconds so far by thread name."""
        seconds = {}
        tick = os.sysconf("SC_CLK_TCK")
        folder = f"/proc/{self.process.pid}/task"
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/stat", encoding="ascii") as file:
                text = file.read()
            name = text[text.index("(") + 1:text.rindex(")")]
            fields = text[text.rindex(")") + 2:].split()
            seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / tick
        return seconds

    def stop(self, how=signal.SIGTERM, seconds=60):
        self.process.send_signal(how)
        code = self.process.wait(seconds)
        self.process.stdout.close()
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


def end_of_turn(binary, model):
    text = subprocess.run([binary, "inspect", "-m", model, "--json"], capture_output=True,
                          text=True, check=True).stdout
    return next(token["id"] for token in json.loads(text)["special_tokens"]
                if token["role"] == "end of turn")


def words(n, seed):
    """Text of about 1.3 n tokens for nano that no other seed begins with."""
    import random
    random_words = random.Random(seed)
    vocabulary = ("the river house green small morning window bread market letter garden stone "
                  "paper summer winter table friend water music road night candle forest cloud "
                  "engine number simple answer model memory token reader").split()
    return f"Story {seed}: " + " ".join(random_words.choice(vocabulary) for _ in range(n))


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def median(values):
    return quantile(values, 0.5)


def row(label, **figures):
    print(f"{label:44s} " + "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}"
                                      for k, v in figures.items()))
    sys.stdout.flush()
