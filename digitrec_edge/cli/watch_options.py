"""Options of ``digitrec-edge watch``, checked and made into what watching takes; wrong ones are wrong usage."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import typer

from digitrec_edge.collection import Keep
from digitrec_edge.errors import CollectionError
from digitrec_edge.watching.broker import Broker, parse_broker
from digitrec_edge.watching.discovery import Sensor
from digitrec_edge.watching.per_region import per_region
from digitrec_edge.watching.plausibility import MOST_DIGITS, Rules
from digitrec_edge.watching.regions import WatchedRegion, parse_regions

_LONGEST = 32


@contextmanager
def _usage(option: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def regions_of(texts: Sequence[str]) -> tuple[WatchedRegion, ...]:
    """Read ``--region``."""
    with _usage("--region"):
        return parse_regions(texts)


def rules_of(
    regions: Sequence[WatchedRegion],
    digits: Sequence[str],
    decimals: Sequence[str],
    max_step: Sequence[str],
    monotone: bool,
    reset_after: int | None,
) -> dict[str, Rules]:
    """Read what is known of the numbers; returns it by the name of the region."""
    with _usage("--digits"):
        counts = per_region(digits, regions, _count(1), f"1 to {MOST_DIGITS}")
    with _usage("--decimals"):
        places = per_region(decimals, regions, _count(0), f"0 to {MOST_DIGITS}")
    with _usage("--max-step"):
        steps = per_region(max_step, regions, _positive, "a number above 0")
    made = {}
    for name in (region.name for region in regions):
        if counts.get(name, MOST_DIGITS) < places.get(name, 0):
            raise typer.BadParameter(f"{places[name]} of {counts[name]} digits of {name}", param_hint="--decimals")
        made[name] = Rules(counts.get(name), places.get(name, 0), monotone, steps.get(name), reset_after)
    return made


def sensors_of(
    regions: Sequence[WatchedRegion], unit: Sequence[str], device_class: Sequence[str], monotone: bool
) -> list[Sensor]:
    """Read what Home Assistant is told of each region."""
    with _usage("--unit"):
        units = per_region(unit, regions, _short, f"1 to {_LONGEST} characters")
    with _usage("--device-class"):
        classes = per_region(device_class, regions, _word, "a word such as water, gas or energy")
    return [Sensor(one.name, units.get(one.name), classes.get(one.name), monotone) for one in regions]


def broker_of(address: str | None, password_file: Path | None, ca: Path | None, home_assistant: bool) -> Broker | None:
    """Read ``--mqtt`` and what belongs to it; None where nothing is published."""
    given = {"--mqtt-password-file": password_file, "--mqtt-ca": ca, "--home-assistant": home_assistant}
    if address is None:
        for option, value in given.items():
            if value:
                raise typer.BadParameter("is of no use without --mqtt", param_hint=option)
        return None
    with _usage("--mqtt"):
        return parse_broker(address, password_file, ca)


def rule_of(text: str) -> Keep | None:
    """Read ``--keep``; None where nothing is kept."""
    try:
        rule = Keep.parse(text)
    except CollectionError as error:
        raise typer.BadParameter(str(error), param_hint="--keep") from None
    return rule if rule.keeps else None


def _count(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= MOST_DIGITS):
            raise ValueError(text)
        return int(text)

    return parse


def _positive(text: str) -> Decimal:
    number = Decimal(text)
    if not (number.is_finite() and number > 0):
        raise ValueError(text)
    return number


def _short(text: str) -> str:
    if not (0 < len(text) <= _LONGEST and text.isprintable()):
        raise ValueError(text)
    return text


def _word(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,32}", text):
        raise ValueError(text)
    return text
