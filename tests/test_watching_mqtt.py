"""MQTT: what a real broker keeps of readings, what Home Assistant is told, and what happens when it goes and comes."""

import gc
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.errors import NotInstalledError, PublishError
from digitrec_edge.watching import mqtt
from digitrec_edge.watching.broker import PASSWORD_VARIABLE, Broker, parse_broker
from digitrec_edge.watching.discovery import Sensor, discovery
from digitrec_edge.watching.mqtt import MqttOutput
from digitrec_edge.watching.readings import Reading
from tests.a_broker import PASSWORD, USER, Mosquitto, broker, find_mosquitto

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <(ssl.SSLSocket|socket.socket):ResourceWarning")
"""paho's, which has no way to be closed: they go with the client, in any order."""

READING = Reading("2026-01-01T00:00:00.000Z", "a", "012", Decimal(12), 0.99, 3, None, None, "frame 1", "int8", "0" * 64)
SENSOR = Sensor("a", "m³", "water", True)


@pytest.fixture(autouse=True)
def clients_are_gone() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def mosquitto() -> str:
    pytest.importorskip("paho.mqtt.client")
    found = find_mosquitto()
    if found is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto mosquitto-clients")
    return found


@pytest.fixture
def plain(mosquitto: str, tmp_path: Path) -> Iterator[Mosquitto]:
    with broker(mosquitto, tmp_path) as running:
        yield running


def at(running: Mosquitto, **changes: Any) -> Broker:
    made = Broker(
        "localhost" if running.tls else "127.0.0.1", running.port, "home/meters", USER, PASSWORD, running.tls, None
    )
    return replace(made, **changes)


class Listener:
    """Somebody who keeps the newest message of each topic, and all of them in their order."""

    def __init__(self, running: Mosquitto) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.newest: dict[str, str] = {}
        self.all: list[tuple[str, str]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(USER, PASSWORD)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", running.port)
        self._client.loop_start()

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        self.newest[message.topic] = message.payload.decode()
        self.all.append((message.topic, message.payload.decode()))

    def wait_for(self, topic: str, check: Callable[[str], bool]) -> str:
        until(lambda: check(self.newest.get(topic, "")))
        return self.newest[topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def listen(plain: Mosquitto) -> Iterator[Callable[[], Listener]]:
    made: list[Listener] = []

    def start() -> Listener:
        made.append(Listener(plain))
        return made[-1]

    yield start
    for one in made:
        one.close()


def value(payload: str) -> Any:
    return json.loads(payload)["value"] if payload else "nothing"


def test_a_reading_that_is_sent_while_the_broker_confirms_is_no_standstill(
    plain: Mosquitto, listen: Callable[[], Listener]
) -> None:
    output = MqttOutput(at(plain), [], None, print)
    listener = listen()
    listener.wait_for("home/meters/availability", lambda payload: payload == "online")
    client: Any = output._client
    sending = threading.Thread(target=output.send, args=(READING,), daemon=True)
    with client._out_message_mutex:  # as the library has it while it calls back
        sending.start()
        time.sleep(0.3)
        assert sending.is_alive()
        output._on_publish(client, None, output._online_id or 0, None, None)
    sending.join(10)
    assert not sending.is_alive()
    listener.wait_for("home/meters/a", bool)
    output.close()


def test_readings_are_retained_with_null_where_nothing_is_known(
    plain: Mosquitto, listen: Callable[[], Listener]
) -> None:
    output = MqttOutput(at(plain), [], None, print)
    output.send(READING)
    first = listen()
    assert json.loads(first.wait_for("home/meters/a", bool)) == READING.as_json()
    output.send(replace(READING, value=None, number=None, probability=None, reason="source lost"))
    first.wait_for("home/meters/a", lambda payload: value(payload) is None)
    late = listen()  # who comes later gets what is kept
    found = json.loads(late.wait_for("home/meters/a", bool))
    assert (found["value"], found["reason"]) == (None, "source lost")
    assert late.wait_for("home/meters/availability", bool) == "online"
    output.close()
    late.wait_for("home/meters/availability", lambda payload: payload == "offline")
    assert not [topic for topic in late.newest if topic.startswith("homeassistant")]


def test_home_assistant_is_told_of_each_region(plain: Mosquitto, listen: Callable[[], Listener]) -> None:
    output = MqttOutput(at(plain), [SENSOR], "homeassistant", print)
    document = json.loads(listen().wait_for("homeassistant/sensor/home_meters/a/config", bool))
    output.close()
    assert document["state_topic"] == "home/meters/a"
    assert document["availability_topic"] == "home/meters/availability"
    assert (document["unit_of_measurement"], document["device_class"]) == ("m³", "water")
    assert document["state_class"] == "total_increasing"
    assert document["unique_id"] == "digitrec_home_meters_a"
    assert document["device"]["identifiers"] == ["digitrec_home_meters"]


def test_the_template_makes_unknown_of_null() -> None:
    """Home Assistant's templates are Jinja's; ``None`` is its word for a state that is not known."""
    jinja2 = pytest.importorskip("jinja2")
    template = jinja2.Template(discovery("homeassistant", "t", SENSOR)[1]["value_template"])
    assert template.render(value_json=READING.as_json()) == "12"
    assert template.render(value_json=replace(READING, number=None).as_json()) == "None"
    assert template.render(value_json=replace(READING, number=Decimal("1.5")).as_json()) == "1.5"


def test_the_broker_says_offline_when_the_watch_dies(plain: Mosquitto, listen: Callable[[], Listener]) -> None:
    output = MqttOutput(at(plain), [], None, print)
    listener = listen()
    listener.wait_for("home/meters/availability", lambda payload: payload == "online")
    client = output._client
    client.loop_stop()
    sock = client.socket()
    assert sock
    sock.close()  # as a power cut does: no farewell
    listener.wait_for("home/meters/availability", lambda payload: payload == "offline")


def test_a_broker_that_comes_back_gets_the_newest_alone(plain: Mosquitto, listen: Callable[[], Listener]) -> None:
    told: list[str] = []
    output = MqttOutput(at(plain), [SENSOR], "homeassistant", told.append)
    output._client.reconnect_delay_set(1, 1)
    output.send(READING)
    plain.stop()
    until(lambda: bool(told) and not output._client.is_connected())
    for k in range(50):
        output.send(replace(READING, value=str(k)))
    plain.start()
    listener = listen()
    listener.wait_for("home/meters/a", lambda payload: value(payload) == "49")
    listener.wait_for("homeassistant/sensor/home_meters/a/config", bool)
    output.send(replace(READING, value="50"))
    listener.wait_for("home/meters/a", lambda payload: value(payload) == "50")
    output.close()
    seen = [value(payload) for topic, payload in listener.all if topic == "home/meters/a"]
    assert seen == sorted(seen, key=int)
    assert not {"1", "48"} & {*seen}
    assert "is gone" in told[0] or "cannot be reached" in told[0]
    assert told[-1] == f"the MQTT broker at 127.0.0.1:{plain.port} is there"
    assert len(told) == 2


def test_a_wrong_password_is_told_at_once_and_not_shown(plain: Mosquitto) -> None:
    with pytest.raises(PublishError) as refused:
        MqttOutput(at(plain, password="wr0ng"), [], None, print)
    assert str(refused.value) == f"the MQTT broker at 127.0.0.1:{plain.port} refuses: Not authorized"
    assert "wr0ng" not in repr(at(plain, password="wr0ng"))


def test_a_broker_that_is_not_there_is_told_and_tried_again(plain: Mosquitto, listen: Callable[[], Listener]) -> None:
    plain.stop()
    told: list[str] = []
    output = MqttOutput(at(plain), [], None, told.append)
    assert told == [f"the MQTT broker at 127.0.0.1:{plain.port} cannot be reached: Connection refused"]
    output.send(READING)
    plain.start()
    listen().wait_for("home/meters/a", lambda payload: value(payload) == "012")
    output.close()


def test_a_login_that_is_refused_by_a_broker_that_came_later_is_told_once(plain: Mosquitto) -> None:
    plain.stop()
    told: list[str] = []
    output = MqttOutput(at(plain, password="wr0ng"), [], None, told.append)
    plain.start()
    until(lambda: len(told) > 1)
    time.sleep(2.5)  # it is tried again, after one second and after two
    output.close()
    where = f"the MQTT broker at 127.0.0.1:{plain.port}"
    assert told == [f"{where} cannot be reached: Connection refused", f"{where} refuses: Not authorized"]


def test_a_broker_that_does_not_confirm_the_end_is_told(plain: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    output = MqttOutput(at(plain), [], None, told.append)
    monkeypatch.setattr(mqtt, "LAST_S", 0.2)
    assert plain.process
    plain.process.send_signal(signal.SIGSTOP)
    try:
        output.close()
    finally:
        plain.process.send_signal(signal.SIGCONT)
    assert told == [f"the MQTT broker at 127.0.0.1:{plain.port} did not hear of the end"]


def test_tls_by_a_certificate_that_is_trusted_and_by_none(mosquitto: str, tmp_path: Path) -> None:
    with broker(mosquitto, tmp_path, tls=True) as running:
        told: list[str] = []
        output = MqttOutput(at(running, ca=running.ca), [], None, told.append)
        assert output._client.is_connected()
        output.close()
        assert told == []
        with pytest.raises(PublishError, match="has a certificate that is not trusted: .*; name its CA by --mqtt-ca"):
            MqttOutput(at(running), [], None, print)
        with pytest.raises(PublishError, match="certificate that is not trusted: .*[Hh]ostname|IP address mismatch"):
            MqttOutput(at(running, ca=running.ca, host="127.0.0.1"), [], None, print)
        (tmp_path / "empty.pem").write_text("nothing")
        with pytest.raises(PublishError, match="holds no certificate"):
            MqttOutput(at(running, ca=tmp_path / "empty.pem"), [], None, print)


def test_without_paho_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(NotInstalledError, match="--mqtt needs paho-mqtt, which is not installed; type: "):
        MqttOutput(Broker("127.0.0.1", 1, "t", None, None, False, None), [], None, print)


def test_an_address_is_read_with_its_password_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    assert parse_broker("mqtt://host/a/b/", None, None) == Broker("host", 1883, "a/b", None, None, False, None)
    (tmp_path / "password").write_text(" secret \n")
    found = parse_broker("mqtts://a%20user@host:99/t", tmp_path / "password", tmp_path / "ca")
    assert found == Broker("host", 99, "t", "a user", "secret", True, tmp_path / "ca")
    monkeypatch.setenv(PASSWORD_VARIABLE, "other")
    assert parse_broker("mqtts://u@host/t", None, None).password == "other"


@pytest.mark.parametrize(
    "address",
    [
        "host/t", "http://host/t", "mqtt://host", "mqtt:///t", "mqtt://u:hidden@host/t", "mqtt://host/a/+", "mqtt://host/#",
        "mqtt://host:none/t", "mqtt://host/t?x=1", "mqtt://[host/t",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_and_not_repeated(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refused:
        parse_broker(address, None, None)
    assert "hidden" not in str(refused.value)


def test_what_belongs_together_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    with pytest.raises(ValueError, match="a password and no user"):
        parse_broker("mqtt://host/t", None, None)
    with pytest.raises(ValueError, match="mqtts:// alone"):
        parse_broker("mqtt://u@host/t", None, tmp_path)
