"""Home Assistant's discovery: one document for each region, and its sensor appears by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digitrec_edge import __version__

ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Sensor:
    """What Home Assistant is told of a region.

    Attributes:
        unit: of the number, such as m³; None where it has none.
        device_class: Home Assistant's name for the kind of quantity, such as water; None where there is none.
        monotone: the number only grows.
    """

    region: str
    unit: str | None
    device_class: str | None
    monotone: bool


def availability_topic(topic: str) -> str:
    """Return the topic that says whether the watch runs."""
    return f"{topic}/availability"


def state_topic(topic: str, region: str) -> str:
    """Return the topic of a region's readings."""
    return f"{topic}/{region}"


def discovery(prefix: str, topic: str, sensor: Sensor) -> tuple[str, Mapping[str, Any]]:
    """Return the topic and the document that announce a sensor.

    Where the number is not known, it is ``unknown`` there: the template makes ``None`` of null, see
    https://www.home-assistant.io/integrations/sensor.mqtt.
    """
    node = re.sub(r"[^A-Za-z0-9_-]", "_", topic)
    kind = {"device_class": sensor.device_class, "unit_of_measurement": sensor.unit}
    document = {
        "name": sensor.region,
        "unique_id": f"digitrec_{node}_{sensor.region}",
        "state_topic": state_topic(topic, sensor.region),
        "value_template": "{{ value_json.number }}",
        "json_attributes_topic": state_topic(topic, sensor.region),
        "availability_topic": availability_topic(topic),
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "state_class": "total_increasing" if sensor.monotone else "measurement",
        **{name: value for name, value in kind.items() if value is not None},
        "device": {
            "identifiers": [f"digitrec_{node}"], "name": topic, "manufacturer": "digitrec-edge", "model": "watch",
            "sw_version": __version__,
        },
        "origin": {"name": "digitrec-edge", "sw_version": __version__},
    }  # fmt: skip
    return f"{prefix}/sensor/{node}/{sensor.region}/config", document
