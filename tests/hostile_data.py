"""A campaign of hostile data files: ``python tests/hostile_data.py --count 1000 --seed 0``.

Data sets (.npz, IDX packed and not), golden logits, an artifact's sample, checkpoints, training histories, benchmark
results and the cards of artifacts, each through the function by which every command reads it, in a watched child. A
third are good files damaged as ``tests/fuzz.py`` damages models, the others are made to be hostile.
"""

import gzip
import io
import json
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import fuzz, watched

Random = np.random.Generator
DATA = Path(__file__).parent / "data"
LOST_BYTES = 3 << 30
"""What a bomb unpacks to."""


def npy(
    shape: str, descr: str = "'|u1'", order: str = "False", body: bytes = b"", version: int = 1, end: str = "}"
) -> bytes:
    """A .npy file whose header is any text."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {end}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header) & 0xFFFF if version == 1 else len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + body


def array(values: Any) -> bytes:
    """A good .npy file."""
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _hostile_array(random: Random) -> bytes:
    body = bytes(int(random.integers(0, 4000)))
    cases: list[Callable[[], bytes]] = [
        lambda: npy("(2, 28, 28)", end="")[:-1],
        lambda: npy("(2, 28, 28)", end="'''"),
        lambda: npy("(99999999999999, 28, 28)", body=body),
        lambda: npy(f"({10**400}, 28, 28)", body=body),
        lambda: npy("(-1, 28, 28)", body=body),
        lambda: npy("(0, 28, 28)"),
        lambda: npy("(2, 28, 28)", order="True", body=bytes(1568)),
        lambda: npy("(" + "1," * 70 + ")", body=b"\0"),
        lambda: npy("(" * 3000, body=body),
        lambda: npy("2**62", body=body),
        lambda: npy("(2,28,28)", descr="'|O'", body=body),
        lambda: npy("(2,28,28)", descr="'|V0'", body=body),
        lambda: npy("(2,28,28)", descr="'<U0'", body=body),
        lambda: npy("(2,28,28)", descr="'<m8[ns]'", body=bytes(12544)),
        lambda: npy("(2,28,28)", descr="[('a', [('b', '|O')])]", body=body),
        lambda: npy("(2,28,28)", descr="'<U999999999'", body=body),
        lambda: npy("(2,28,28)", descr="__import__('os').abort()", body=body),
        lambda: npy("(2,28,28)", version=2, body=bytes(1568)),
        lambda: npy("(2,28,28)", version=3, body=bytes(1568)),
        lambda: npy("(2,28,28)", version=9, body=bytes(1568)),
        lambda: npy(" " * 60_000 + "(2,28,28)", body=bytes(1568)),
        lambda: array(np.full((2, 28, 28), np.nan)),
        lambda: array(np.full((2, 10), np.inf, np.float32)),
        lambda: array(np.full(2, 255, np.uint8)),
        lambda: array(np.full(2, -(2**62))),
        lambda: array(np.full((2, 28, 28), "x" * 99)),
        lambda: array(np.asfortranarray(np.zeros((2, 28, 28), np.uint8))),
        lambda: b"",
        lambda: random.bytes(100),
    ]
    made: bytes = cases[random.integers(len(cases))]()
    return made


def hostile_npz(good: bytes, random: Random) -> bytes:
    """A .npz file of hostile arrays; or an archive that is hostile itself."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    kind = random.integers(8)
    name = str(random.choice(list(members)))
    if kind < 4:
        members[name] = _hostile_array(random)
        return zipped(members, zipfile.ZIP_STORED if kind else zipfile.ZIP_DEFLATED)
    if kind == 4:
        return bomb(members, name, random)
    if kind == 5:
        return zipped({f"/{random.choice(['etc', '../..', 'C:'])}/{key}": value for key, value in members.items()})
    whole = bytearray(zipped(members))
    if kind == 6:  # encrypted, another method, other sizes: in both headers of the first file
        directory = whole.index(b"PK\x01\x02")
        flags, method = int(random.choice([1, 0x40, 0x2000])), int(random.integers(0, 100))
        size = int(random.integers(2**32))
        for place, fields in ((6, 22), (directory + 8, directory + 24)):
            struct.pack_into(
                "<HH", whole, place, flags if random.integers(2) else 0, method if random.integers(2) else 8
            )
            struct.pack_into("<I", whole, fields, size if random.integers(2) else 100)
        return bytes(whole)
    many = int(np.exp(random.uniform(0, 11)))
    stream = io.BytesIO(bytes(whole))
    with zipfile.ZipFile(stream, "a") as archive:
        for k in range(many):
            archive.writestr(f"{k}\x1b[2J" if random.integers(9) else "twice" + name, b"")
    return stream.getvalue()


def bomb(members: Mapping[str, bytes], name: str, random: Random) -> bytes:
    """An archive of which one file unpacks to 3 GB."""
    blank = bytes(1 << 20)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key, content in members.items():
            with archive.open(key, "w", force_zip64=bool(random.integers(2))) as member:
                member.write(npy(f"({LOST_BYTES},)") if key == name else content)
                for _ in range(_megabytes(random) if key == name else 0):
                    member.write(blank)
    return stream.getvalue()


def _megabytes(random: Random) -> int:
    """How large a bomb is: within the limit, at it, above it, or (it takes seconds to make) the largest."""
    return int(random.choice([5, 60, 230, 300] * 5 + [LOST_BYTES >> 20]))


def hostile_idx(good: bytes, random: Random) -> bytes:
    """An IDX file whose header lies, or a bomb."""
    plain = gzip.decompress(good)
    dimensions = plain[3]
    sizes = [int(random.choice([0, 1, 2, 28, 10_000, 2**31, 2**32 - 1])) for _ in range(dimensions)]
    kind = random.integers(4)
    if kind == 0:
        return gzip.compress(plain[:4] + struct.pack(f">{dimensions}I", *sizes) + plain[4 + 4 * dimensions :])
    if kind == 1:
        return gzip.compress(plain[: random.integers(len(plain))])
    if kind == 2:
        return gzip.compress(plain + bytes(int(random.integers(1, 1000)))) + random.bytes(int(random.integers(100)))
    stream = io.BytesIO()
    with gzip.open(stream, "wb", compresslevel=1) as packed:
        packed.write(plain[:4] + struct.pack(f">{dimensions}I", *[3_000_000, 28, 28][:dimensions]))
        for _ in range(_megabytes(random)):
            packed.write(bytes(1 << 20))
    return stream.getvalue()


VALUES = (
    "1e400", "-1e400", "1" + "0" * 400, "NaN", "-Infinity", "0", "-1", "1e308", "1e-320", "[]", "{}", "null", "true",
    '""', '"\\u001b[2J\\ud800"', '"$\\\\frac{1}{0}$"', "[" * 5000 + "]" * 5000, "[" * 200_000, '{"a":' * 5000,
    '{"a":1,"a":2}',
    '"' + "x" * 100_000 + '"', "[" + "0," * 100_000 + "0]", "1" * 5000, "\x00", "99", '"99"',
)  # fmt: skip


def hostile_json(good: bytes, random: Random) -> bytes:
    """A JSON file in which one value, or all, is another."""
    value = str(random.choice(VALUES))
    kind = random.integers(5)
    if kind == 0:
        return value.encode(errors="surrogatepass")
    if kind == 1:
        return good.decode().encode(str(random.choice(["utf-16", "utf-32", "utf-8-sig"])))
    places: list[tuple[Any, Any]] = []
    root = json.loads(good)

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(root)
    node, key = places[random.integers(len(places))]
    if kind == 2 and isinstance(node, dict):
        del node[key]
        node[str(random.choice(["unknown", "", "\x1b"]))] = 1
        return json.dumps(root).encode()
    node[key] = "HERE"
    return json.dumps(root).replace('"HERE"', value, 1).encode(errors="surrogatepass")


@dataclass(frozen=True)
class Kind:
    """A kind of file: a good one, how it becomes hostile, and what reads it."""

    name: str
    good: bytes
    make: Callable[[bytes, Random], bytes]
    read: Callable[[Path], object]


def _card(model: Path, random_card: Callable[[bytes, Random], bytes]) -> Callable[[bytes, Random], bytes]:
    """Seal an artifact again with a hostile card."""
    from digitrec_edge.files import sha256
    from digitrec_edge.formats import CARD_FILE, SEAL_BYTES, by_name

    kind = by_name(model.suffix[1:]).load()
    payload, files = kind.split(model.read_bytes())

    def make(_: bytes, random: Random) -> bytes:
        body = kind.attach(payload, {**files, CARD_FILE: random_card(files[CARD_FILE], random)})[:-SEAL_BYTES]
        return body + f"sha256:{sha256(body)}".encode()

    return make


def kinds(folder: Path) -> list[Kind]:
    """Every kind of file that is read."""
    from benchmarks.results import document
    from digitrec_edge import artifact, mnist
    from digitrec_edge.artifact import golden, sample
    from digitrec_edge.npz import read_arrays, write_arrays
    from digitrec_edge.training import checkpoint, history

    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (12, 28, 28), np.uint8), np.arange(12).astype(np.uint8) % np.uint8(10)
    logits = random.standard_normal((12, 10), np.float32)
    data_set = write_arrays({"x_train": images, "y_train": labels, "x_test": images, "y_test": labels})
    answers = write_arrays({"logits": logits, "source_sha256": "a" * 64, "test_sha256": "b" * 64})
    packed = sample.pack(sample.Sample(np.arange(12), images, labels, logits, logits))
    idx = {3: gzip.compress(struct.pack(">4I", 2051, 12, 28, 28) + images.tobytes())}
    idx[1] = gzip.compress(struct.pack(">2I", 2049, 12) + labels.tobytes())
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(idx[3])
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(idx[1])

    def read_idx(name: str) -> Callable[[Path], object]:
        def read(path: Path) -> object:
            whole = (folder / name).read_bytes()
            try:
                (folder / name).write_bytes(path.read_bytes())
                return mnist.load("test", folder)
            finally:
                (folder / name).write_bytes(whole)

        return read

    def read_history(path: Path) -> object:
        model = folder / "model.keras"
        model.write_bytes(b"model")
        history.history_path(model).write_bytes(path.read_bytes())
        return history.read_history(model)

    def read_checkpoint(path: Path) -> object:
        checkpoint.read(path)
        return read_arrays(path.read_bytes(), ["header"])

    steps = write_arrays({"header": "{}", "v0": logits})
    return [
        Kind("set.npz", data_set, hostile_npz, lambda path: mnist.load("test", path)),
        Kind("images.gz", idx[3], hostile_idx, read_idx("t10k-images-idx3-ubyte.gz")),
        Kind("labels.gz", idx[1], hostile_idx, read_idx("t10k-labels-idx1-ubyte.gz")),
        Kind("golden.npz", answers, hostile_npz, golden.read),
        Kind("sample.npz", packed, hostile_npz, lambda path: sample.unpack(path.read_bytes(), 10)),
        Kind("checkpoint.npz", steps, hostile_npz, read_checkpoint),
        Kind("history.json", (DATA / "history-2.json").read_bytes(), hostile_json, read_history),
        Kind("benchmark.json", (DATA / "benchmark-2.json").read_bytes(), hostile_json, document.read),
        *(
            Kind(f"card{path.suffix}", path.read_bytes(), _card(path, hostile_json), artifact.read)
            for path in sorted(DATA.glob("card-1.*"))
        ),
    ]


def work(seed: int) -> None:
    """The child."""
    from digitrec_edge.errors import DigitrecError

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = kinds(folder)
        current: tuple[Kind, Path] = (found[0], folder / "file")

        def prepare(number: int) -> bytes:
            nonlocal current
            kind = found[number % len(found)] if number >= 0 else found[0]
            random = np.random.default_rng([seed, number]) if number >= 0 else None
            if random is None:
                data = kind.good
            elif random.integers(3) == 0:
                data = fuzz.mutate(kind.good, seed, number)
            else:
                data = kind.make(kind.good, random)
            path = folder / f"file-{kind.name}"
            path.write_bytes(data)
            current = (kind, path)
            return data if len(data) < 1 << 20 else b""

        def attempt(data: bytes) -> str:
            kind, path = current
            kind.read(path)
            return "same" if data == kind.good else "read"

        watched.serve(prepare, attempt, (DigitrecError,))


if __name__ == "__main__":
    sys.exit(watched.main("data files", __file__, work, __doc__ or "", 1_000))
