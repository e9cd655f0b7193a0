"""Home Assistant's own schema takes what ``watch --home-assistant`` announces; run by hand, where it is installed.

::

    python3.13 -m venv build/home-assistant
    build/home-assistant/bin/pip install homeassistant==2025.4.4 paho-mqtt==2.1.0
    build/home-assistant/bin/python tests/watching_home_assistant.py

pip looks long for versions that fit. ``--no-deps``, and what is then said to be missing, do, too.
"""

import asyncio
import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import voluptuous as vol
from homeassistant.components.mqtt.const import PAYLOAD_NONE
from homeassistant.components.mqtt.discovery import TOPIC_MATCHER
from homeassistant.components.mqtt.sensor import DISCOVERY_SCHEMA
from homeassistant.components.sensor import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS, SensorDeviceClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame

from digitrec_edge.watching.discovery import Sensor, discovery

PREFIX = "homeassistant"
SENSORS = (
    Sensor("water", "m³", "water", True),
    Sensor("gas", "m³", "gas", True),
    Sensor("power", "kWh", "energy", True),
    Sensor("room", "°C", "temperature", False),
    Sensor("counter", None, None, False),
    Sensor("counter-2", "pieces", None, True),
)
BROKEN = ({"state_class": "sometimes"}, {"device_class": "wetness"}, {"state_topic": ""}, {"unknown_word": 1})


def accepted(topic: str, document: dict[str, object]) -> str:
    """Say why Home Assistant refuses a document, or nothing."""
    path = topic.removeprefix(f"{PREFIX}/")
    if path == topic or not TOPIC_MATCHER.match(path):
        return f"no topic of discovery: {topic}"
    try:
        taken = DISCOVERY_SCHEMA(json.loads(json.dumps(document)))
    except vol.Invalid as refused:
        return str(refused)
    if lost := {*document} - {*taken} - {"origin"}:
        return f"not taken: {sorted(lost)}"
    template = taken["value_template"]
    states = [template.async_render_with_possible_json_value(json.dumps({"number": n})) for n in (54.5, 0, None)]
    return "" if states == ["54.5", "0", PAYLOAD_NONE] else f"numbers are {states} there"


def usual(sensor: Sensor) -> str:
    """Say what Home Assistant would warn of: a unit or a class of state that the device class does not have."""
    if sensor.device_class is None:
        return ""
    kind = SensorDeviceClass(sensor.device_class)
    state = "total_increasing" if sensor.monotone else "measurement"
    if sensor.unit not in DEVICE_CLASS_UNITS[kind] or state not in DEVICE_CLASS_STATE_CLASSES[kind]:
        return f"{sensor.unit} or {state} is none of {sensor.device_class}"
    return ""


def main() -> int:
    """Try each, and some that must be refused; 1 when it went otherwise."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_main(folder))


async def _main(folder: str) -> int:
    frame.async_setup(HomeAssistant(folder))  # templates ask for it
    faults = []
    for sensor in SENSORS:
        topic, document = discovery(PREFIX, "house/meters", sensor)
        faults += [f"{sensor.region}: {why}" for why in (accepted(topic, dict(document)), usual(sensor)) if why]
    topic, document = discovery(PREFIX, "house/meters", SENSORS[0])
    faults += [f"taken: {broken}" for broken in BROKEN if not accepted(topic, {**document, **broken})]
    print(f"homeassistant {version('homeassistant')}: {len(SENSORS)} sensors, {len(BROKEN)} broken ones", flush=True)
    print(*faults or ["each as it should be"], sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
