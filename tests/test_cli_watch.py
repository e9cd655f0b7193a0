"""``digitrec-edge watch`` as it is typed: lines out, clear refusals, a clean end by Ctrl-C, SIGTERM and of a file."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.cli import watch as command
from digitrec_edge.collection import Collection
from digitrec_edge.watching.watcher import Care
from tests.a_broker import PASSWORD, USER, broker, find_mosquitto
from tests.streams import jpeg, serving

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
IMAGES = mnist.load("test").images
COMMAND = [sys.executable, "-m", "digitrec_edge", "watch"]


def picture(*places: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    row = np.uint8(255) - np.pad(np.hstack([np.pad(IMAGES[k], 6) for k in places]), 12)
    return np.asarray(Image.fromarray(row).resize((row.shape[1] * 2, row.shape[0] * 2)))


def save(folder: Path, *rows: tuple[int, ...]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, row in enumerate(rows, len([*folder.iterdir()])):
        Image.fromarray(picture(*row)).save(folder / f"{number:03}.png")
    return folder


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_read_to_its_end(cli: Cli, tmp_path: Path) -> None:
    folder = save(tmp_path / "pictures", *[(0, 1)] * 4, *[(0, 2)] * 4)
    done = cli("watch", folder, "--digits", "2", "--to-command", f"tee {tmp_path / 'got'}", cwd=tmp_path)
    found = lines(done.stdout)
    assert [(one["region"], one["value"], one["frames"]) for one in found] == [("frame", "72", 4), ("frame", "71", 4)]
    assert lines((tmp_path / "got").read_text()) == found
    assert done.stderr.startswith("digitrec-int8 on ")


def test_rules_are_those_that_are_typed(cli: Cli, tmp_path: Path) -> None:
    folder = save(tmp_path / "pictures", *[(0, 1)] * 2, *[(0, 2)] * 3, *[(1, 1)] * 3)
    options = ["--agree", 2, "--null-after", 2, "--monotone", "--decimals", 1, "--digits", "frame=2"]
    found = lines(cli("watch", folder, *options, cwd=tmp_path).stdout)
    assert [(one["number"], one["reason"]) for one in found] == [(7.2, None), (None, "goes back: 71 after 72")]


def test_what_is_unsure_is_kept(cli: Cli, tmp_path: Path) -> None:
    folder = save(tmp_path / "pictures", (0, 1))
    cli("watch", folder, "--keep", "all", "--collection", "kept.sqlite", "--keep-mb", 5, cwd=tmp_path)
    with Collection(tmp_path / "kept.sqlite") as collection:
        assert len([*collection.items()]) == 2


def test_defaults_are_those_of_the_library() -> None:
    defaults = {name: one.default for name, one in inspect.signature(command.watch).parameters.items()}
    care = Care()
    assert (defaults["agree"], defaults["min_confidence"], defaults["null_after"], defaults["every"]) == (
        care.agree, care.min_confidence, care.null_after, care.every_s,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["nowhere.mp4"], 1, "cannot watch nowhere.mp4: no file and no folder; give camera:pi"),
        (["pictures", "--region", "a=1,2"], 2, "give name=x,y,w,h"),
        (["pictures", "--region", "a=0,0,9999,500"], 1, "and the frame is"),
        (["pictures", "--digits", "b=3"], 2, "names no region; there are frame"),
        (["pictures", "--digits", "0"], 2, "give 1 to 20"),
        (["pictures", "--digits", "2", "--decimals", "3"], 2, "3 of 2 digits"),
        (["pictures", "--max-step", "-1"], 2, "a number above 0"),
        (["pictures", "--max-step", "nan"], 2, "a number above 0"),
        (["pictures", "--mqtt", "mqtt://u:hidden@h/t"], 2, "DIGITREC_MQTT_PASSWORD or a file"),
        (["pictures", "--home-assistant"], 2, "of no use without --mqtt"),
        (["pictures", "--keep", "some"], 2, "no rule of what to keep"),
        (["pictures", "--to-command", "no-such-command"], 1, "cannot start 'no-such-command'"),
        (["pictures", "--unit", 33 * "m"], 2, "1 to 32 characters"),
        (["pictures", "--collection", "c.sqlite"], 2, "add --keep unsure"),
        (["pictures", "--keep", "none", "--keep-mb", "5"], 2, "add --keep unsure"),
        (["pictures", "--unit", "m³"], 2, "without --home-assistant"),
        (["pictures", "--device-class", "water"], 2, "without --home-assistant"),
        (["pictures", "--discovery-prefix", "ha"], 2, "without --home-assistant"),
        (["pictures", "--reset-after", "5"], 2, "without --monotone or --max-step"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    options: list[str], status: int, message: str, cli: Cli, tmp_path: Path
) -> None:
    save(tmp_path / "pictures", (0,))
    done = cli("watch", *options, cwd=tmp_path, ok=False)
    assert done.returncode == status
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert "hidden" not in done.stderr + done.stdout


def started(*arguments: object, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **variables},
    )  # fmt: skip


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_ends_cleanly_when_it_is_asked_to(number: signal.Signals, status: int, tmp_path: Path) -> None:
    folder = save(tmp_path / "pictures", (0,))
    running = started(folder, "--follow", "--agree", 1)
    assert running.stdout
    assert json.loads(running.stdout.readline())["value"] == "7"
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == status
    assert "Traceback" not in errors


def test_a_stream_with_a_password_is_watched_and_none_is_shown() -> None:
    with serving([jpeg(picture(0, 1))] * 30) as host:
        running = started(f"http://user:s3cret@{host}/stream?key=s3cret", "--agree", 1, "--fps", 100)
        assert running.stdout
        first = json.loads(running.stdout.readline())
        lost = json.loads(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        rest, errors = running.communicate(timeout=60)
    assert first["value"] == "72"
    assert (lost["value"], lost["reason"]) == (None, "source lost")
    assert f"source lost: http://{host}/stream" in errors
    assert "s3cret" not in errors + rest + json.dumps([first, lost])


def test_readings_and_the_end_reach_a_real_broker(tmp_path: Path) -> None:
    pytest.importorskip("paho.mqtt.client")
    program = find_mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto mosquitto-clients")
    folder = save(tmp_path / "pictures", (0,))
    (tmp_path / "broker").mkdir()
    with broker(program, tmp_path / "broker") as running:
        address = f"mqtt://{USER}@127.0.0.1:{running.port}/home"
        listening = [
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            running.port,
            "-u",
            USER,
            "-P",
            PASSWORD,
            "-v",
            "-t",
            "#",
        ]
        heard = subprocess.Popen([*map(str, listening)], stdout=subprocess.PIPE, text=True)
        options = ["--follow", "--agree", 1, "--mqtt", address, "--home-assistant", "--unit", "m³"]
        watching = started(folder, *options, DIGITREC_MQTT_PASSWORD=PASSWORD)
        topics: dict[str, str] = {}
        end = time.monotonic() + 60
        assert heard.stdout
        while topics.get("home/availability") != "offline" and time.monotonic() < end:
            topic, _, payload = heard.stdout.readline().strip().partition(" ")
            topics[topic] = payload
            if topic == "home/frame":
                watching.send_signal(signal.SIGTERM)
        watching.communicate(timeout=60)
        heard.terminate()
        heard.communicate(timeout=60)
    assert watching.returncode == 0
    assert json.loads(topics["home/frame"])["value"] == "7"
    assert json.loads(topics["homeassistant/sensor/home/frame/config"])["unit_of_measurement"] == "m³"


def test_the_documented_unit_is_not_given_up_while_a_camera_is_not_there_yet() -> None:
    text = (Path(__file__).parents[1] / "docs" / "watching.md").read_text()
    unit = text.split("```ini\n[Service]\n")[1].split("```")[0]
    (pause,) = re.findall(r"^RestartSec=(\d+)$", unit, re.MULTILINE)
    assert 5 * int(pause) > 10  # systemd's DefaultStartLimitBurst and DefaultStartLimitIntervalSec
