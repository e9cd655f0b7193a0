"""``digitrec-edge watch``."""

import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import MB, ModelOption, RuntimeOption, ThreadsOption, check_apart, refuse
from digitrec_edge.cli.pictures import expand
from runtimes.table import AUTO

if TYPE_CHECKING:
    from digitrec_edge.collection import Keep
    from digitrec_edge.watching.broker import Broker
    from digitrec_edge.watching.discovery import Sensor
    from digitrec_edge.watching.readings import Reading
    from digitrec_edge.watching.sources import Asked
    from digitrec_edge.watching.watcher import RegionWatch, Sight
    from runtimes import Model

Texts = list[str] | None


class _Output(Protocol):
    """What readings are sent to."""

    def send(self, reading: "Reading") -> None:
        """Take a reading."""

    def flush(self) -> None:
        """Take what had to wait."""

    def close(self) -> None:
        """End."""


def watch(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="Folder, video file, /dev/video0 or camera:0, camera:pi, http://HOST/PATH (MJPEG, or a snapshot), "
            "rtsp://HOST/PATH; @FILE takes it from the first line of a file, which shows no password.",
            metavar="SOURCE",
        ),
    ],
    region: Annotated[
        Texts, typer.Option(help="A number's place, name=x,y,w,h in pixels; may be repeated. Default: the whole frame.")
    ] = None,
    draw_regions: Annotated[
        Path | None, typer.Option(help="Write a page with a picture of the source to draw regions on, and end.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Of a folder, wait for new pictures.")] = False,
    fps: Annotated[
        float | None,
        typer.Option(min=0.01, max=120, help="Frames read per second. Default: 5 of what is live, else all."),
    ] = None,
    agree: Annotated[int, typer.Option(min=1, max=100, help="Frames in a row that must show the same number.")] = 4,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Least probability of each digit.")] = 0.9997,
    null_after: Annotated[
        int, typer.Option(min=1, max=10_000, help="Frames without a number after which null is given.")
    ] = 10,
    every: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds after which what has not changed is given again.")
    ] = None,
    digits: Annotated[Texts, typer.Option(help="How many digits there are: N, or NAME=N for one region.")] = None,
    decimals: Annotated[Texts, typer.Option(help="How many of them stand behind the point: N or NAME=N.")] = None,
    monotone: Annotated[bool, typer.Option("--monotone", help="The numbers never get less.")] = False,
    max_step: Annotated[
        Texts,
        typer.Option(help="Most that a number changes by from one reading to the next, or a minute: N or NAME=N."),
    ] = None,
    reset_after: Annotated[
        int | None,
        typer.Option(min=2, max=100_000, help="Take an implausible number after so many agreements. Default: never."),
    ] = None,
    mqtt: Annotated[str | None, typer.Option(help="Publish to mqtt[s]://USER@HOST:PORT/TOPIC.")] = None,
    mqtt_password_file: Annotated[
        Path | None, typer.Option(help="File of its password. Default: the variable DIGITREC_MQTT_PASSWORD.")
    ] = None,
    mqtt_ca: Annotated[
        Path | None, typer.Option(help="Certificates to trust with mqtts://. Default: the system's.")
    ] = None,
    home_assistant: Annotated[
        bool, typer.Option("--home-assistant", help="Announce each region as a sensor to Home Assistant, by MQTT.")
    ] = False,
    discovery_prefix: Annotated[str, typer.Option(help="Of Home Assistant's discovery.")] = "homeassistant",
    unit: Annotated[Texts, typer.Option(help="Unit for Home Assistant, such as m³: UNIT or NAME=UNIT.")] = None,
    device_class: Annotated[
        Texts, typer.Option(help="Device class for Home Assistant, such as water: CLASS or NAME=CLASS.")
    ] = None,
    to_command: Annotated[str | None, typer.Option(help="Command that gets each line on its standard input.")] = None,
    keep: Annotated[
        str, typer.Option(help="Keep these digits for correction: unsure, all, none, or a share such as 1/100.")
    ] = "none",
    collection: Annotated[Path, typer.Option(help="File that they are kept in.")] = Path("collection.sqlite"),
    keep_mb: Annotated[int, typer.Option(min=1, max=1_000_000, help="Megabytes that the file may have.")] = 100,
    model: ModelOption = None,
    runtime: RuntimeOption = AUTO,
    threads: ThreadsOption = 1,
) -> None:
    """Read numbers from a camera, a stream, a video or a folder, and give one when several frames agree.

    A line of JSON is printed when a number has changed: time, region, value, number, probability. Where it cannot be
    told, the value is null and the reason says why: frames disagree, no digit, too dark, source lost, goes back, steps
    by too much. The same goes to MQTT and to a command. A source that is lost is opened again; the end of a file is
    the end.
    """
    terminal.hold_native_output()
    from digitrec_edge.cli.watch_options import broker_of, regions_of, rule_of, rules_of, sensors_of
    from digitrec_edge.watching.sources import Asked
    from digitrec_edge.watching.watcher import Care, RegionWatch

    regions, asked = regions_of(region or []), Asked(follow, fps)
    if draw_regions:
        check_apart({"--draw-regions": draw_regions}, [source, *(one.name for one in expand([source]))])
        _draw(source, asked, draw_regions)
        return
    care = Care(agree, min_confidence, null_after, every)
    rules = rules_of(regions, digits or [], decimals or [], max_step or [], monotone, reset_after)
    sensors = sensors_of(regions, unit or [], device_class or [], monotone)
    broker = broker_of(mqtt, mqtt_password_file, mqtt_ca, home_assistant)
    rule = rule_of(keep)
    if rule is None:
        refuse(context, ("collection", "keep_mb"), "is of no use where nothing is kept: add --keep unsure")
    if not home_assistant:
        refuse(context, ("unit", "device_class", "discovery_prefix"), "is of no use without --home-assistant")
    if not monotone and not max_step:
        refuse(context, ("reset_after",), "is of no use without --monotone or --max-step")
    signal.signal(signal.SIGTERM, _end)
    with ExitStack() as stack:
        loaded = stack.enter_context(_load(model, runtime, threads))
        outputs: list[_Output] = [_Lines()]
        if to_command is not None:
            outputs.append(stack.enter_context(closing(_command(to_command))))
        if broker:
            prefix = discovery_prefix if home_assistant else None
            outputs.append(stack.enter_context(closing(_mqtt(broker, sensors, prefix))))
        keeping = _keeping(stack, rule, collection, keep_mb, loaded)
        watches = [RegionWatch(one, rules[one.name], care, loaded) for one in regions]
        _watch(source, asked, watches, loaded, outputs, keeping)


def _watch(
    source: str,
    asked: "Asked",
    watches: "list[RegionWatch]",
    model: "Model",
    outputs: list[_Output],
    keeping: "Callable[[Sight], None] | None",
) -> None:
    """Send every reading to every output, until the source ends."""
    from digitrec_edge.watching.addresses import shown
    from digitrec_edge.watching.sources import open_source
    from digitrec_edge.watching.watcher import watch as read_all

    def observe(seen: "Sight") -> None:
        for output in outputs:
            output.flush()
        if keeping:
            keeping(seen)

    with closing(open_source(source, asked)) as events:
        for reading in read_all(events, shown(source), watches, model, observe, _tell):
            for output in outputs:
                output.send(reading)


def _tell(text: str) -> None:
    print(f"digitrec-edge: {terminal.escaped(text)}", file=sys.stderr, flush=True)


class _Lines:
    """Standard output, a line of JSON for each reading."""

    def send(self, reading: "Reading") -> None:
        """Print a reading."""
        terminal.print_json_lines([reading.as_json()])

    def flush(self) -> None:
        """Do nothing: each line is flushed."""

    def close(self) -> None:
        """Do nothing: it is closed with the program."""


def _end(_number: int, _frame: Any) -> None:
    """End as asked by a service manager: outputs are closed, and the exit status is 0."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(0)


def _load(model: Path | None, runtime: str, threads: int) -> "Model":
    from digitrec_edge.cli.reading import default_artifact
    from runtimes import load

    loaded = load(model or default_artifact(runtime), runtime, threads)
    print(f"{loaded.artifact.name} on {loaded.runtime} {loaded.runtime_version}", file=sys.stderr)
    return loaded


def _command(command: str) -> _Output:
    from digitrec_edge.watching.command import CommandOutput

    return CommandOutput(command, sys.stderr, _tell)


def _mqtt(broker: "Broker", sensors: "list[Sensor]", prefix: str | None) -> _Output:
    from digitrec_edge.watching.mqtt import MqttOutput

    return MqttOutput(broker, sensors, prefix, _tell)


def _keeping(
    stack: ExitStack, rule: "Keep | None", path: Path, megabytes: int, model: "Model"
) -> "Callable[[Sight], None] | None":
    """Open the collection where anything is to be kept."""
    if rule is None:
        return None
    from digitrec_edge.collection import Collection
    from digitrec_edge.watching.keeping import Keeping

    collection = stack.enter_context(Collection(path, megabytes * MB))
    return Keeping(rule, collection, model.artifact.data, _tell).observe


def _draw(source: str, asked: "Asked", page: Path) -> None:
    """Write the page on which regions are drawn, with the first frame of the source."""
    from digitrec_edge.watching.drawing import write_page
    from digitrec_edge.watching.sources import open_source

    with closing(open_source(source, asked)) as events:
        write_page(page, source, events)
    print(f"{page}: open it in a browser, draw, and copy the line")
