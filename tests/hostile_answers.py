"""The answers of hostile devices: a program in the place of ssh that plays them, for ``tests/hostile_devices.py``.

``python tests/hostile_answers.py --play FOLDER ... -- HOST`` answers one request as the device of that name. A name is
``KIND-NUMBER``, and a device is a function of its name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:  # what a device that answers needs not is imported where it is used: it is started often
    from typing import Any

    Message = dict[str, Any]
    Play = Callable[[random.Random, Message, list[bytes]], Any]

MARK = b"digitrec-edge:"
GOOD = "good"
HUGE = 10**400

Random = random.Random


def line(message: Any) -> bytes:
    """Return a message as it is sent."""
    return MARK + json.dumps(message).encode() + b"\n"


# ---- true answers ----


def true_answer(request: Message, document: bytes, facts: Message) -> list[bytes]:
    """Return what an honest device answers, line by line."""
    what = request["what"]
    if what == "facts":
        there = [path for path in request["paths"] if path.endswith("/ready")]
        return [line({"done": {**facts, "there": there}})]
    if what == "receive":
        return [line({"done": {"folder": request["folder"]}})]
    if what == "remove":
        return [line({"done": {}})]
    return [
        line({"line": "progress 1/9 accuracy"}),
        line({"alive": True}),
        *sent(document),
        line({"done": {"status": 0}}),
    ]


def sent(content: bytes, name: str = "result.json") -> list[bytes]:
    """Return the messages that bring a file."""
    parts = [content[k : k + 65536] for k in range(0, len(content), 65536)]
    lines = [line({"file": name, "data": base64.b64encode(part).decode()}) for part in parts]
    return [*lines, line({"file": name, "sha256": hashlib.sha256(content).hexdigest()})]


# ---- hostile answers ----

KINDS: dict[str, tuple[tuple[str, ...], Play]] = {}
"""Name -> the requests that are answered so, one of them by chance, and how: the bytes to send, or None when it has
sent them itself. ``run`` is the one that brings the results."""

ANY = ("facts", "receive", "run")


def kind(*stages: str) -> Callable[[Play], Play]:
    """Register a kind of hostile answer."""

    def register(play: Play) -> Play:
        KINDS[play.__name__.strip("_")] = (stages or ANY, play)
        return play

    return register


def constant(name: str, make: Callable[[], bytes]) -> None:
    """Register an answer that is always the same."""
    KINDS[name] = (ANY, lambda chance, request, true: make())


def endless(content: bytes) -> None:
    """Send something until nobody reads it any more, or for a minute."""
    end = time.monotonic() + 60
    block = content * max(1, 65536 // len(content))
    while time.monotonic() < end:
        os.write(1, block)


for _name, _content in {
    "bad_json": lambda: MARK + b"{\n",
    "no_object": lambda: line([1, 2]),
    "null": lambda: line(None),
    "unknown_kind": lambda: line({"surprise": 1}),
    "two_kinds": lambda: line({"done": {}, "line": "a"}),
    "wrong_done": lambda: line({"done": 5}),
    "done_null": lambda: line({"done": None}),
    "not_a_number": lambda: MARK + b'{"done": {"status": NaN}}\n',
    "infinity": lambda: MARK + b'{"done": {"status": Infinity, "free_bytes": -Infinity}}\n',
    "huge_exponent": lambda: MARK + b'{"done": {"status": 1e999}}\n',
    "huge_whole": lambda: line({"done": {"status": HUGE, "folder": HUGE}}),
    "five_thousand_digits": lambda: MARK + b'{"done": ' + b"9" * 5000 + b"}\n",
    "nested": lambda: MARK + b'{"done": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "nested_objects": lambda: MARK + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
    "twice_a_key": lambda: MARK + b'{"done": {"status": 0, "status": 0, "folder": "a", "folder": "b"}}\n',
    "huge_line": lambda: line({"line": "x" * 2_000_000}),
    "long_line": lambda: line({"line": "x" * 100_000}),
    "two_lines_in_one": lambda: line({"line": "a\ndigitrec-edge: all is well"}),
    "alive_false": lambda: line({"alive": False}),
    "unknown_refusal": lambda: line({"error": {"kind": "tea", "message": "no"}}),
    "long_refusal": lambda: line({"error": {"kind": "system", "message": "x" * 100_000}}),
    "escape_sequences": lambda: line(
        {"error": {"kind": "system", "message": "\x1b[2J\x1b]0;owned\x07 \u202e\n\r gone [/bold]"}}
    ),
    "nul": lambda: b"\x00" * 1000 + MARK + b'{"line": "\x00"}\n',
    "bytes": lambda: bytes(range(256)) * 100 + b"\n",
    "invalid_utf8": lambda: MARK + b'{"line": "\xff\xfe\xc0"}\n' + MARK + b'{"done": {"status": "\xff"}}\n',
    "lone_surrogate": lambda: MARK + b'{"line": "\\ud800"}\n',
    "other_encoding": lambda: MARK + '{"done": {"status": 0}}\n'.encode("utf-16"),
    "banner_only": lambda: b"Welcome to nothing\n" * 100,
}.items():
    constant(_name, _content)


@kind()
def truncated(chance: Random, request: Message, true: list[bytes]) -> bytes:
    whole = b"".join(true)
    return whole[: chance.randrange(len(whole) - 1)]


@kind()
def nothing(chance: Random, request: Message, true: list[bytes]) -> bytes:
    sys.exit(chance.choice([0, 0, 1, 255]))


@kind()
def traceback_on_stderr(chance: Random, request: Message, true: list[bytes]) -> bytes:
    os.write(2, b'Traceback (most recent call last):\n  File "\x1b[31magent"\nRuntimeError: \x1b[2Jout of luck\n')
    sys.exit(1)


@kind()
def endless_line(chance: Random, request: Message, true: list[bytes]) -> None:
    endless(MARK + b'{"line": "')


@kind()
def endless_lines(chance: Random, request: Message, true: list[bytes]) -> None:
    endless(b"x" * 100 + b"\n")


@kind()
def endless_messages(chance: Random, request: Message, true: list[bytes]) -> None:
    endless(line({"line": "x"}))


@kind()
def endless_life(chance: Random, request: Message, true: list[bytes]) -> None:
    endless(line({"alive": True}))


@kind()
def endless_stderr(chance: Random, request: Message, true: list[bytes]) -> None:
    while True:
        os.write(2, b"x" * 65536)


@kind("run")
def endless_file(chance: Random, request: Message, true: list[bytes]) -> None:
    endless(sent(b"x" * 48000)[0])


@kind()
def silence(chance: Random, request: Message, true: list[bytes]) -> None:
    time.sleep(60)


@kind()
def dribble(chance: Random, request: Message, true: list[bytes]) -> None:
    for _ in range(600):
        os.write(1, chance.choice([b"x", b"\n", b"d"]))
        time.sleep(0.1)


@kind()
def killed(chance: Random, request: Message, true: list[bytes]) -> None:
    os.write(1, true[0][:-2])
    os.kill(os.getpid(), chance.choice([9, 11]))


@kind("run")
def end_before_file(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([true[-1], *true[:-1]])


@kind("run")
def parts_out_of_order(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([*true[:2], true[-2], *true[2:-2], true[-1]])


@kind("run")
def file_twice(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([*true[:-1], *true[2:]])


@kind("run")
def file_unasked(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([*sent(b"x", "../../.bashrc"), *true])


@kind("run")
def file_damaged(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([*true[:-2], line({"file": "result.json", "sha256": "0" * 64}), true[-1]])


@kind("run")
def file_no_base64(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([line({"file": "result.json", "data": "*"}), *true])


@kind("run")
def file_missing(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([*true[:2], true[-1]])


@kind("run")
def file_empty(chance: Random, request: Message, true: list[bytes]) -> bytes:
    return b"".join([*sent(b""), true[-1]])


# ---- hostile facts ----


def facts_with(name: str, **changes: Any) -> None:
    """Register facts of which some are no facts; ``machine`` changes the machine's."""

    def play(chance: Random, request: Message, true: list[bytes]) -> bytes:
        facts = json.loads(true[0][len(MARK) :])["done"]
        machine = {**facts["machine"], **changes.get("machine", {})}
        machine = {key: value for key, value in machine.items() if value != "ABSENT"}
        return line({"done": {**facts, **changes, "machine": machine}})

    KINDS[f"facts_{name}"] = (("facts",), play)


facts_with("no_cores", machine={"cpu": {"name": "x", "cores": 0, "features": None}})
facts_with("huge_cores", machine={"cpu": {"name": "x", "cores": HUGE, "features": None}})
facts_with("negative_memory", machine={"memory_bytes": -1})
facts_with("huge_free", free_bytes=HUGE)
facts_with("negative_free", free_bytes=-5)
facts_with("option_for_python", machine={"python": "--index-url=http://evil.invalid"})
facts_with("no_version", machine={"python": "three"})
facts_with("odd_python", machine={"python": "3"})
facts_with("odd_libc", machine={"libc_version": "2"})
facts_with("endless_libc", machine={"libc_version": "2.999999999"})
facts_with("odd_tag", machine={"python_tag": "../.."})
facts_with("odd_machine", machine={"machine": "x' or 1 == 1 #\n"})
facts_with("old_python", machine={"python": "2.7.18", "python_tag": "cp27"})
facts_with("new_python", machine={"python": "9.9.9", "python_tag": "cp99"})
facts_with("wrong_type", machine={"bits": "64"})
facts_with("missing", machine={"libc": "ABSENT"})
facts_with("huge_board", machine={"board": "x" * 500_000})
facts_with("surplus", surplus=1)
facts_with("no_home", home=None)
facts_with("no_machine", machine={"cpu": None})


# ---- hostile results ----


def results(name: str, change: Callable[[Any, Any, Random], Any]) -> None:
    """Register results that are changed: ``change`` gets the document, its first result and chance."""

    def play(chance: Random, request: Message, true: list[bytes]) -> bytes:
        document = json.loads(b"".join(base64.b64decode(json.loads(one[len(MARK) :])["data"]) for one in true[2:-2]))
        made = change(document, document["runs"][0]["results"][0], chance)
        content = made if isinstance(made, bytes) else json.dumps(document if made is None else made).encode()
        return b"".join([*true[:2], *sent(content), true[-1]])

    KINDS[f"results_{name}"] = (("run",), play)


def set_in(*path: Any) -> Callable[[Any, Any, Random], None]:
    """Return a change that sets a value of the first result: its path, then the value."""

    def change(document: Any, result: Any, chance: Random) -> None:
        inner = result
        for key in path[:-2]:
            inner = inner[key]
        inner[path[-2]] = path[-1]

    return change


for _name, _path in {
    "negative_latency": ("end_to_end", "p50_us", -1.0),
    "zero_median": ("end_to_end", "p50_us", 0.0),
    "zero_interval": ("invoke", "p50_interval_us", [0, 0]),
    "interval_elsewhere": ("invoke", "p50_interval_us", [1e6, 1e7]),
    "huge_latency": ("end_to_end", "p50_us", HUGE),
    "text_latency": ("end_to_end", "p50_us", "1.0"),
    "true_latency": ("end_to_end", "p50_us", True),
    "no_samples": ("end_to_end", "samples", 0),
    "no_quantiles": ("end_to_end", "quantiles_us", []),
    "quantiles_of_zero": ("end_to_end", "quantiles_us", [0] * 101),
    "quantiles_fall": ("end_to_end", "quantiles_us", [float(k) for k in range(101, 0, -1)]),
    "no_calls": ("invoke", "block_calls", 0),
    "no_figures": ("end_to_end", None),
    "no_quality": ("quality", None),
    "accuracy_of_two": ("quality", "accuracy", 2.0),
    "one_class": ("quality", "class_accuracy", [0.9]),
    "few_answers": ("quality", "answers", "images", 9),
    "other_answers": ("quality", "answers", "right", "eJwDAAAAAAE="),
    "no_answers_at_all": ("quality", "answers", "digits", "!" * 100),
    "other_accuracy": ("quality", "accuracy", 0.5),
    "negative_memory": ("memory", "peak_bytes", -1),
    "huge_file": ("file_bytes", HUGE),
    "negative_threads": ("threads", -1),
    "huge_batch": ("batch", HUGE),
    "odd_status": ("status", "splendid"),
    "huge_reason": ("reasons", ["x" * 100_000]),
    "other_file": ("artifact_sha256", "0" * 64),
    "other_case": ("artifact", "other.tflite"),
    "other_runtime": ("runtime", "onnxruntime"),
    "deep_reason": ("reasons", [[[[[]]]]]),
    "unasked_samples": ("invoke", "raw", ["eJwDAAAAAAE="]),
}.items():
    results(_name, set_in(*_path))


def _in_run(**values: Any) -> Callable[[Any, Any, Random], None]:
    return lambda document, result, chance: document["runs"][0].update(values)


results("empty_list", _in_run(results=[]))
results("huge_device", _in_run(device="x" * 300_000))
results("no_device", _in_run(device=""))
results("other_seed", _in_run(seed=4711))
results("huge_seed", _in_run(seed=HUGE))
results("no_date", _in_run(started="yesterday"))
results("missing_environment", lambda document, result, chance: document["runs"][0].pop("environment") and None)
results("no_runs", lambda document, result, chance: {**document, "runs": []})
results("two_runs", lambda document, result, chance: {**document, "runs": document["runs"] * 2})
results("future", lambda document, result, chance: {**document, "version": 99, "generator": "x" * 100_000})
results("surplus", lambda document, result, chance: {**document, "x" * 100_000: 1})
results("case_twice", lambda document, result, chance: document["runs"][0]["results"].append(result))
results("case_missing", lambda document, result, chance: document["runs"][0]["results"].pop() and None)
results("other_effort", lambda document, result, chance: document["runs"][0]["effort"].update(rounds=1))
results("field_missing", lambda document, result, chance: result.pop(chance.choice(sorted(result))) and None)
results("nan", lambda document, result, chance: json.dumps(document).replace('"seed": 0', '"seed": NaN').encode())
results("nested", lambda document, result, chance: b"[" * 1_000_000)
results("twice_a_key", lambda document, result, chance: b'{"version": 1,' + json.dumps(document).encode()[1:])
results("many_values", lambda document, result, chance: b"[" + b"{}," * 3_000_000 + b"{}]")
results("surrogate", _in_run(device="\ud800"))
results("no_json", lambda document, result, chance: b"\xff\xd8\xff\xe0 a picture")
results("too_large", lambda document, result, chance: b" " * (40 << 20))


@kind()
def mutated(chance: Random, request: Message, true: list[bytes]) -> bytes:
    """The truth, but for a few bytes."""
    data = bytearray(b"".join(true))
    for _ in range(chance.choice([1, 1, 2, 8])):
        at, width = chance.randrange(len(data)), chance.randrange(1, 40)
        way = chance.randrange(5)
        if way == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del data[at : at + width]
        elif way == 2:
            data[at:at] = data[at : at + width] * chance.choice([1, 50])
        elif way == 3:
            data[at : at + width] = bytes(chance.randrange(256) for _ in range(width))
        else:
            data[at:at] = chance.choice(
                [b"NaN", b"-1", b"1e999", b"\n", b"\x00", b'"', b"{", MARK, b"null", b"\x1b[2J"]
            )
        if len(data) < 2:
            return bytes(data)
    return bytes(data)


def play(folder: str, host: str) -> None:
    """Answer one request as a device; standard input and output are those of ssh."""
    stdin = os.fdopen(0, "rb")
    request = json.loads(stdin.readline())
    with open(f"{folder}/document.json", "rb") as one, open(f"{folder}/facts.json") as other:  # noqa: PTH123
        document, facts = one.read(), json.load(other)
    true = true_answer(request, document, facts)
    name = host.partition("-")[0]
    chance = Random(host)
    stages, hostile = KINDS.get(name, ((), None))
    what, stage = request["what"], chance.choice(stages or ("",))
    if hostile is None or what != stage:
        for entry in request.get("files", ()):
            stdin.read(entry["size"])
        os.write(1, b"".join(true))
        return
    answer = hostile(chance, request, true)
    while answer:
        answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    play(sys.argv[2], sys.argv[sys.argv.index("--") + 1])
