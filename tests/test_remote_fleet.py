"""Several devices at a time: names, files, extras."""

import dataclasses
import fcntl
from pathlib import Path
from typing import Any

import pytest

from benchmarks import find_artifacts
from benchmarks.request import BenchmarkRequest
from benchmarks.results.document import Run, document
from digitrec_edge import pretrained
from digitrec_edge.artifact.signature import KEY_FILE
from digitrec_edge.cli import benchmark_hosts
from digitrec_edge.errors import DataError, RemoteError, UnfitDeviceError
from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.remote import agent, exchange, fleet, messages
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.extras import extras_for
from digitrec_edge.remote.fleet import FleetJob, Outcome, files_for, measure_hosts, name_devices
from digitrec_edge.remote.venv import RemoteEnvironment
from tests import a_device

MACHINE = dataclasses.replace(
    describe_machine(), system="linux", machine="aarch64", bits=64, libc="glibc", libc_version="2.36",
    python="3.11.2", python_tag="cp311", board="Raspberry Pi 5", numpy=None, pillow=None,
)  # fmt: skip
PI = Device(MACHINE, "/home/pi", 1 << 33, ())


def changed(**facts: Any) -> Device:
    return dataclasses.replace(PI, machine=dataclasses.replace(MACHINE, **facts))


PI_32 = changed(machine="armv7l", bits=32, numpy="1.24.2", pillow="9.4.0")


def outcome(host: str, device: str) -> Outcome:
    empty: Any = None
    run = Run(device, "", 0.0, False, empty, 0, empty, empty, (), ())
    return Outcome(host, document(run))


def test_two_boards_of_one_kind_are_told_apart_by_their_hosts() -> None:
    named = name_devices([outcome("a", "Pi 5"), outcome("b", "Pi 5"), outcome("c", "Pi 4"), Outcome("d", None, "off")])
    names = [run.device for each in named if each.measured for run in each.measured.runs]
    assert names == ["Pi 5 (a)", "Pi 5 (b)", "Pi 4"]


def test_golden_logits_go_with_their_artifacts(tmp_path: Path) -> None:
    for name in ("a.tflite", "b.onnx", "golden.npz", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in files_for(find_artifacts([tmp_path]))] == ["a.tflite", "b.onnx", "golden.npz"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.tflite").touch()
    with pytest.raises(RemoteError, match=r"two files are called a\.tflite"):
        files_for([tmp_path / "one" / "a.tflite", tmp_path / "two" / "a.tflite"])


def test_of_artifacts_and_data_set_what_is_measured_goes_to_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[FleetJob] = []

    def measure_nothing(hosts: Any, job: FleetJob, *rest: Any) -> list[Outcome]:
        jobs.append(job)
        return []

    monkeypatch.setattr(benchmark_hosts, "measure_hosts", measure_nothing)
    sets = [f"emnist-{name}-{part}" for name in ("letters", "digits") for part in ("train", "test")]
    for name in (*sets, "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (tmp_path / f"{name}-{kind}-ubyte").touch()
    (tmp_path / "readme").mkdir()
    (tmp_path / "a.tflite").touch()

    def sent(data: Path) -> list[str]:
        request = BenchmarkRequest((str(tmp_path),), data=str(data))
        settings: dict[str, Any] = {"extras": (), "keep": False, "clean": False, "timeout_s": 1.0}
        benchmark_hosts.benchmark_on(
            ["pi"], request, **settings, write=lambda document: None, show=lambda document: None
        )
        return [path.name for path in jobs[-1].data]

    assert sent(tmp_path) == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    assert sent(tmp_path / "emnist-letters") == [
        "emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte",
    ]  # fmt: skip
    assert sent(tmp_path / "digits.npz") == ["digits.npz"]
    assert [path.name for path in jobs[-1].artifacts] == ["a.tflite"]
    with pytest.raises(DataError, match="is not a data set"):
        sent(tmp_path / "a.tflite")


@pytest.mark.parametrize(
    ("device", "files", "expected"),
    [
        (PI, ["a.tflite"], ("tflite",)),
        (PI, ["a.tflite", "a.onnx"], ("tflite", "onnx")),
        (PI, ["a.ort"], ("onnx",)),
        (changed(python="3.13.5", python_tag="cp313", libc_version="2.41"), ["a.tflite"], ("litert",)),
        (PI_32, ["a.tflite", "a.onnx"], ("tflite",)),
        (changed(machine="riscv64"), ["a.tflite"], ()),
        (changed(machine="armv7l", bits=32, python="3.13.5", python_tag="cp313"), ["a.tflite"], ()),
    ],
)
def test_extras_are_those_that_doctor_names(device: Device, files: list[str], expected: tuple[str, ...]) -> None:
    assert extras_for("pi", device, [Path(name) for name in files]) == expected


def test_extras_that_are_asked_for_win() -> None:
    assert extras_for("pi", PI, [Path("a.tflite")], ["litert", "litert"]) == ("litert",)


@pytest.mark.parametrize(
    "change",
    [
        {"machine": "s390x"},
        {"machine": "ppc64le", "libc": "", "libc_version": ""},
        {"python": "3.15.0", "python_tag": "cp315"},
    ],
)
def test_a_device_that_no_runtime_is_made_for_is_refused_with_the_reason(change: dict[str, Any]) -> None:
    device = changed(**change)
    with pytest.raises(UnfitDeviceError, match=f"pi: .*{device.machine.python}"):
        extras_for("pi", device, [Path("a.tflite")])


@pytest.mark.parametrize("asked", [(), ("litert",)])
def test_a_device_without_linux_is_refused_in_one_line(asked: tuple[str, ...]) -> None:
    mac = changed(system="macos", os="macOS-15.1-arm64", os_version="15.1", libc="", libc_version="")
    with pytest.raises(UnfitDeviceError, match=r"^pi: it runs macOS-15.1-arm64; Linux is needed$"):
        extras_for("pi", mac, [Path("a.tflite")], asked)


def test_both_ends_of_the_connection_use_the_same_words() -> None:
    assert agent.MARK == messages.MARK
    assert agent.HEARTBEAT_LIMIT_S > 5 * exchange.HEARTBEAT_S
    assert 5 * agent.ALIVE_S < exchange.SILENCE_S


def test_numpy_and_pillow_are_shared_where_there_are_no_wheels_of_them() -> None:
    assert PI_32.provided == ("numpy", "pillow")
    assert changed(machine="armv7l", bits=32, numpy="1.24.2").provided == ("numpy",)
    assert changed(machine="armv7l", bits=32).provided == ()
    assert changed(numpy="1.24.2", pillow="9.4.0").provided == ()


def test_signatures_travel_with_their_files_and_a_device_with_a_key_gets_what_checks_them(tmp_path: Path) -> None:
    for name in ("a.tflite", "a.tflite.sig", "b.onnx", "golden.npz"):
        (tmp_path / name).touch()
    files = files_for(find_artifacts([tmp_path]))
    assert [path.name for path in files] == ["a.tflite", "a.tflite.sig", "b.onnx", "golden.npz"]
    keyed = dataclasses.replace(PI, there=(KEY_FILE,))
    assert extras_for("pi", keyed, [Path("a.tflite")]) == ("tflite", "sign")
    assert extras_for("pi", keyed, [Path("a.tflite")], ["litert"]) == ("litert", "sign")


BROKEN = "the benchmark there ended with 1: out of luck"
BUSY = "another digitrec-edge is at work there; wait for it"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is ours on a device whose benchmark fails."""
    a_device.make(tmp_path / "device")
    for name, value in a_device.environment(tmp_path / "device").items():
        monkeypatch.setenv(name, value)
    found = tmp_path / "device" / "home" / ".cache" / "digitrec-edge"
    program = found / "env-1" / "env" / "bin" / "digitrec-edge"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho out of luck\nexit 1\n")
    program.chmod(0o755)
    made = RemoteEnvironment("~/.cache/digitrec-edge/env-1", ())
    monkeypatch.setattr(fleet, "prepare", lambda *rest: made)
    return found


def failed(*, keep: bool = False, clean: bool = False) -> Outcome:
    request = BenchmarkRequest((str(pretrained.DEFAULT),), ("litert",))
    (outcome,) = measure_hosts(["pi"], FleetJob((pretrained.DEFAULT,), (), request, (), keep, clean, 60.0))
    assert outcome.measured is None
    return outcome


def test_a_benchmark_that_fails_leaves_what_one_that_succeeds_leaves(cache: Path) -> None:
    assert failed().error == BROKEN
    assert sorted(path.name for path in cache.iterdir()) == ["env-1", "lock"]
    kept = failed(keep=True)
    (folder,) = cache.glob("run-*")
    assert kept.error == f"{BROKEN}; the run's files are in {kept.kept}"
    assert kept.kept == f"~/.cache/digitrec-edge/{folder.name}"
    assert failed(clean=True).error == BROKEN
    assert not cache.exists()


def test_what_another_desk_is_at_is_not_cleaned_away(cache: Path) -> None:
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert failed(clean=True).error == BUSY
        assert sorted(path.name for path in cache.iterdir()) == ["env-1", "lock"]
