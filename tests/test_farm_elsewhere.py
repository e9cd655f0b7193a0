"""The examples of docs/reading.md for Ray and Spark, run as they stand there: ``make read-elsewhere``."""

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from PIL import Image

from digitrec_edge import mnist, pretrained
from runtimes import load

pa = pytest.importorskip("pyarrow", reason="the extra dask is not installed")
pq = pytest.importorskip("pyarrow.parquet")

from digitrec_edge.farm import Reader  # noqa: E402

pytestmark = pytest.mark.checkout
PAGE = Path(__file__).parents[1] / "docs" / "reading.md"
FENCE = re.compile(r"(?:<!-- run: (?P<where>\w+) -->\n)?```python\n(?P<body>.*?)```", re.S)
COUNT = 300
LIMIT_S = 600.0


def snippet(where: str) -> str:
    (body,) = [match["body"] for match in FENCE.finditer(PAGE.read_text()) if match["where"] == where]
    return body


def needs(module: str, *programs: str) -> pytest.MarkDecorator:
    lacking = [] if importlib.util.find_spec(module) else [module]
    lacking += [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(lacking), reason=f"{' and '.join(lacking)} not here: make read-elsewhere")


def png(image: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(255 - image).resize((56, 56)).save(stream, "PNG")
    return stream.getvalue()


def pixels() -> Any:
    return pa.array([image.tobytes() for image in mnist.load("test").images[:COUNT]], pa.binary(784))


def files() -> Any:
    return pa.array([*map(png, mnist.load("test").images[: COUNT - 1]), b"no picture"], pa.binary())


def answers_of(script: str, column: Any, place: Path) -> tuple[Any, Any]:
    """Run a script beside digits.parquet and an artifact; what it wrote, and what this process answers."""
    shutil.copy(pretrained.DEFAULT, place)
    table = pa.table({"id": pa.array(range(COUNT), pa.int64()), "image": column})
    pq.write_table(table, place / "digits.parquet", row_group_size=100)
    (place / "example.py").write_text(script)
    with TemporaryDirectory(prefix="ray") as folder:  # the paths of Ray's sockets must be short
        environment = {
            **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": folder, "SPARK_LOCAL_IP": "127.0.0.1",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "example.py"],
            cwd=place, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-5000:]
    with load(place / pretrained.DEFAULT.name) as model:
        expected = Reader(model.origin, column="image", keep=("id",))(table)
    found = pa.concat_tables(pq.read_table(path) for path in sorted((place / "answers").glob("*.parquet")))
    return found.sort_by("id").combine_chunks(), expected.combine_chunks()


def test_every_example_is_run() -> None:
    assert [match["where"] for match in FENCE.finditer(PAGE.read_text())] == ["ray", "spark"]
    assert all(len(snippet(where).replace("\n\n", "\n").splitlines()) <= 10 for where in ("ray", "spark"))


@needs("ray")
def test_in_ray(tmp_path: Path) -> None:
    found, expected = answers_of(snippet("ray"), pixels(), tmp_path)
    assert found == expected
    assert found["digit"].to_pylist()[:3] == [7, 2, 1]


@needs("pyspark", "java")
def test_in_spark(tmp_path: Path) -> None:
    found, expected = answers_of(snippet("spark"), files(), tmp_path)
    assert found == expected
    assert found["digit"].to_pylist()[:3] == [7, 2, 1]
    assert found["error"].to_pylist()[-1].startswith("the picture file is not a picture")


@needs("pyspark", "java")
def test_in_spark_pixels_are_cast(tmp_path: Path) -> None:
    (cast,) = re.findall(r"`(read\(t\.set_column.*\))`", PAGE.read_text())
    script = "import pyarrow as pa\n" + snippet("spark").replace("read(t)", cast.replace("(k,", "(1,"))
    found, expected = answers_of(script, pixels(), tmp_path)
    assert found == expected
