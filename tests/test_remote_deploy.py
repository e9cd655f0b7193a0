"""Deploying over a connection: one device after another, a whole artifact in place on each whatever comes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact, history, mnist, pretrained
from digitrec_edge.artifact import signature_path
from digitrec_edge.errors import ArtifactError, DataError, RemoteError
from digitrec_edge.history import CURRENT, FILE_NAME
from digitrec_edge.placing import target
from digitrec_edge.remote import deploy, resolve, venv
from digitrec_edge.remote.deploy import Job, check, read_history
from digitrec_edge.remote.ssh import Connection
from runtimes import load
from tests import a_device
from tests.test_placing import FLOAT32, INT8, answering_otherwise

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")

LIMIT_S = 120.0
CLIENT = '#!/bin/sh\nfor last; do case "$last" in {hosts}) break;; esac; done\nHOME={folder}/$last/home\n'
"""The program in the place of ssh goes to the device that is called as the host is."""


def job(name: str | Path | None, canary: Path | None = None, share: float | None = None) -> Job:
    return Job(pretrained.FOLDER / name if name else None, canary, share, (), LIMIT_S)


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Two devices that are this machine; returns the folder that deploy keeps on each."""
    monkeypatch.setattr(venv, "pack_wheel", a_device.small_wheel)
    monkeypatch.setattr(resolve, "fetch", lambda names, machine, to, *rest: [a_device.small_wheel(to)])
    for host in ("one", "two"):
        a_device.make(tmp_path / host)
    reach = "export HOME PATH=" + f"{tmp_path}/one/programs:{os.defpath}"
    (tmp_path / "bin").mkdir()
    client = tmp_path / "bin" / "ssh"
    client.write_text(
        CLIENT.format(hosts="one|two", folder=tmp_path) + reach + "\n"
        + (tmp_path / "one" / "programs" / "ssh").read_text().removeprefix("#!/bin/sh\n")
    )  # fmt: skip
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.defpath}")
    return {host: tmp_path / host / "home" / "digitrec-edge" for host in ("one", "two")}


def in_place(folder: Path) -> str:
    found = target(folder / CURRENT)
    return found.name if found else ""


def test_an_artifact_is_in_place_on_every_device_and_the_one_before_comes_back(devices: dict[str, Path]) -> None:
    steps: list[tuple[str, str]] = []
    first = deploy.deploy(["one", "two"], job(INT8), lambda host, text: steps.append((host, text)))
    assert [one.error for one in first] == ["", ""]
    assert [host for host, text in steps if text == "connecting"] == ["one", "two"]
    assert steps.index(("one", "done")) < steps.index(("two", "connecting"))
    assert first[0].command.endswith("/env/bin/digitrec-edge predict --model ~/digitrec-edge/current PICTURE")
    (second,) = deploy.deploy(["one"], job(FLOAT32))
    assert second.placed
    assert second.placed.before == INT8
    assert [in_place(folder) for folder in devices.values()] == [FLOAT32, INT8]
    (back,) = deploy.deploy(["one"], job(None))
    assert back.placed, back.error
    assert (back.placed.artifact, in_place(devices["one"])) == (INT8, INT8)
    events = read_history("one", LIMIT_S)
    assert events == history.read(devices["one"])
    assert [one.event for one in events] == ["deployed", "deployed", "rolled back"]
    assert not list(devices["one"].rglob(".*"))


def test_the_first_failure_leaves_the_devices_behind_it_alone(devices: dict[str, Path], tmp_path: Path) -> None:
    deploy.deploy(["one", "two"], job(INT8))
    bad = tmp_path / FLOAT32
    shutil.copy(pretrained.FOLDER / FLOAT32, bad)
    answering_otherwise(bad)
    failed, left = deploy.deploy(["one", "two"], job(bad))
    assert "it fails its self-test here" in failed.error
    assert failed.error.endswith("what was in place there still is")
    assert (left.touched, left.error, left.placed) == (False, "", None)
    assert [in_place(folder) for folder in devices.values()] == [INT8, INT8]
    assert [one.event for one in read_history("one", LIMIT_S)] == ["deployed", "refused"]
    assert [one.event for one in read_history("two", LIMIT_S)] == ["deployed"]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A hundred digits, labelled as int8 reads them, and those that float32 reads otherwise."""
    digits = mnist.load("test")
    with load(pretrained.FOLDER / INT8) as one, load(pretrained.FOLDER / FLOAT32) as other:
        read, otherwise = one.predict(digits.images), other.predict(digits.images)
    chosen = [*np.flatnonzero((read.digits != otherwise.digits) & read.accepted), *np.flatnonzero(read.accepted)[:100]]
    np.savez(tmp_path / "canary.npz", x_test=digits.images[chosen], y_test=read.digits[chosen])
    return tmp_path / "canary.npz"


def test_a_canary_is_read_by_both_artifacts_there_and_stops_the_worse_one(
    devices: dict[str, Path], canary: Path
) -> None:
    (first,) = deploy.deploy(["one"], job(INT8, canary, 1.0))
    assert first.placed, first.error
    assert first.placed.canary
    assert first.placed.canary.right == first.placed.canary.images > 100
    failed, left = deploy.deploy(["one", "two"], job(FLOAT32, canary))
    assert "it reads 100 of the canary's" in failed.error
    assert not left.touched
    assert in_place(devices["one"]) == INT8
    assert sorted(path.name for path in devices["one"].glob("artifacts/*/*")) == [INT8]


def test_the_signature_lies_beside_what_the_link_leads_to(devices: dict[str, Path], tmp_path: Path) -> None:
    signed = tmp_path / INT8
    shutil.copy(pretrained.FOLDER / INT8, signed)
    signature_path(signed).write_text("{}\n")
    (done,) = deploy.deploy(["one"], job(signed))
    assert done.placed, done.error
    assert done.placed.report[0] == "whole; signature not checked (--key)"
    assert signature_path((devices["one"] / CURRENT).resolve()).read_text() == "{}\n"
    (unsigned,) = deploy.deploy(["one"], job(INT8))
    assert unsigned.placed
    assert unsigned.placed.report[0] == "whole; not signed"
    (back,) = deploy.deploy(["one"], job(None))
    assert back.placed
    assert back.placed.report[0] == "whole; signature not checked (--key)"


def test_nothing_was_deployed_and_nothing_can_come_back(devices: dict[str, Path]) -> None:
    assert read_history("one", LIMIT_S) == ()
    (done,) = deploy.deploy(["one"], job(None))
    assert done.error == "no artifact before the one in place: nothing to bring back"


def placed(**changes: Any) -> str:
    return json.dumps(
        {"artifact": INT8, "sha256": "0" * 64, "before": "", "report": [], "canary": None, **changes}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (placed(), "it says that it has put another file in place"),
        (placed(more=1), "its answer is none that this version knows: answer: missing or unknown key 'more'"),
        ("hello", "its answer is none that this version knows"),
    ],
)
def test_an_answer_of_a_device_that_is_none_is_one_line(
    devices: dict[str, Path], monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    lie = f"import sys; print({answer!r}); sys.exit(0)"
    monkeypatch.setattr(venv.RemoteEnvironment, "python", property(lambda self: "python3"))
    run = Connection.run

    def tell_a_lie(self: Any, argv: list[str], folder: str, **options: Any) -> Any:
        return run(self, ["python3", "-c", lie] if "digitrec_edge.placing" in argv else argv, folder, **options)

    monkeypatch.setattr(Connection, "run", tell_a_lie)
    (done,) = deploy.deploy(["one"], job(INT8))
    assert reason in done.error
    assert "\n" not in done.error


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"time": "now"}\n', "its history cannot be read: line 1"),
        (b"\n" * 1_100_000, "has more than 1,048,576 bytes"),
    ],
)
def test_a_history_that_is_none_is_one_line(devices: dict[str, Path], content: bytes, reason: str) -> None:
    devices["one"].mkdir()
    (devices["one"] / FILE_NAME).write_bytes(content)
    with pytest.raises(RemoteError, match=reason) as caught:
        read_history("one", LIMIT_S)
    assert "\n" not in str(caught.value)


def test_what_lies_there_to_be_brought_back_has_a_name_that_deploy_gives(devices: dict[str, Path]) -> None:
    devices["one"].mkdir()
    (devices["one"] / "previous").symlink_to("../../etc/passwd")
    (done,) = deploy.deploy(["one"], job(None))
    assert done.error.startswith("no artifact before")


def test_what_cannot_be_deployed_is_told_before_any_device_is_asked(tmp_path: Path) -> None:
    payload = tmp_path / "foreign.tflite"
    payload.write_bytes(artifact.strip(pretrained.FOLDER / INT8))
    with pytest.raises(ArtifactError, match="carries no card"):
        check(job(payload))
    changed = tmp_path / "changed.tflite"
    changed.write_bytes((pretrained.FOLDER / INT8).read_bytes()[:-80])
    with pytest.raises(ArtifactError, match="copy it or export it again$"):  # a stripped one would be refused, too
        check(job(changed))
    np.savez(tmp_path / "wide.npz", x_test=np.zeros((1, 28, 28), np.uint8), y_test=[10])
    with pytest.raises(DataError, match="labels are 10 to 10, 0 to 9 is allowed"):
        check(job(INT8, tmp_path / "wide.npz"))


Cli = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--host", "a"], "name the artifact"),
        (["a.tflite", "--rollback", "--host", "a"], "takes no artifact"),
        (["--rollback", "--history", "--host", "a"], "exclude each other"),
        (["--history", "--extra", "serve", "--host", "a"], "--history installs nothing"),
        (["a.tflite", "--canary-accuracy", "90%", "--host", "a"], "which digits"),
        (["a.tflite", "--canary", "c.npz", "--canary-accuracy", "95", "--host", "a"], "give 95% or 0.95"),
        (["a.tflite", "--canary", "c.npz", "--canary-accuracy", "101%", "--host", "a"], "more than all of them"),
        (["a.tflite", "--host", "a", "--host", "a"], "named twice"),
        (["a.tflite"], "Missing option '--host'"),
    ],
)
def test_wrong_usage_is_told_with_status_2(cli: Cli, arguments: list[str], reason: str) -> None:
    done = cli("deploy", *arguments, ok=False)
    assert done.returncode == 2
    assert reason in " ".join(done.stderr.replace("│", " ").split())


def test_the_command_line_shows_devices_and_their_history(devices: dict[str, Path], cli: Cli) -> None:
    deploy.deploy(["one"], job(INT8))
    history.record(devices["one"], "refused", Path("evil\x1b[2J.tflite"), by="serve", why="no\x07reason")
    done = cli("deploy", "--history", "--host", "one", "--host", "two")
    assert done.returncode == 0, done.stderr
    assert "deployed" in done.stdout
    assert "two: nothing was deployed there" in done.stdout
    assert "\x1b" not in done.stdout
    shown = json.loads(cli("deploy", "--history", "--json", "--host", "one").stdout)
    assert [one["event"] for one in shown["one"]] == ["deployed", "refused"]
    again = cli("deploy", "--rollback", "--host", "one", "--host", "two", ok=False)
    assert again.returncode == 1
    assert "one: FAILED: no artifact before the one in place" in again.stdout
    assert (again.stdout + again.stderr).count("no artifact before") == 1
    assert "two: not touched" in again.stdout
    assert "one failed; not touched: two" in again.stderr
