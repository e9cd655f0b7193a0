"""MQTT: each region's newest reading as a retained message, and whether the watch runs at all.

The broker is given what is known now and never what was known once: while there is no connection nothing is queued, and
each connection begins with the newest readings. They are published again when the broker has acknowledged the first
message of the connection: by then the library has sent what an older connection left, so nothing old comes last.
"""

import json
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from digitrec_edge.errors import NotInstalledError, PublishError
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.watching.broker import Broker
from digitrec_edge.watching.discovery import OFFLINE, ONLINE, Sensor, availability_topic, discovery, state_topic
from digitrec_edge.watching.readings import Reading

if TYPE_CHECKING:
    from paho.mqtt.client import Client

QOS = 1
KEEPALIVE_S, WAITS_S = 30, (1, 60)
"""Between signs of life, and the shortest and the longest wait before connecting again."""

FIRST_S, LAST_S = 10.0, 5.0
"""How long the start waits for the first connection, and the end for the last acknowledgement."""

_REFUSED = ("Not authorized", "Bad user name or password", "Banned")


class MqttOutput:
    """A connection to a broker that is kept; see the module.

    Args:
        broker: where to.
        sensors: what Home Assistant is told, one for each region.
        prefix: of Home Assistant's discovery; None to tell it nothing.
        tell: is told in one line what goes wrong.

    Raises:
        NotInstalledError: paho-mqtt is not installed.
        PublishError: the broker refuses the login, or its certificate is not trusted.
    """

    def __init__(
        self, broker: Broker, sensors: Sequence[Sensor], prefix: str | None, tell: Callable[[str], None]
    ) -> None:
        self._broker, self._tell = broker, tell
        self._announced = [discovery(prefix, broker.topic, sensor) for sensor in sensors] if prefix else []
        self._newest: dict[str, str] = {}
        self._settled, self._refusal, self._online_id = threading.Event(), "", None
        self._told: set[str] = set()
        self._client = self._connected()
        self._settled.wait(FIRST_S)
        if self._refusal:
            self._client.loop_stop()
            raise PublishError(self._refusal)

    def _connected(self) -> "Client":
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError:
            raise NotInstalledError(
                f"--mqtt needs paho-mqtt, which is not installed; type: {install_extra('watch')}"
            ) from None
        client = Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(100)
        client.reconnect_delay_set(*WAITS_S)
        client.will_set(availability_topic(self._broker.topic), OFFLINE, QOS, retain=True)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set_context(self._context())
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_disconnect, client.on_publish = self._on_disconnect, self._on_publish
        client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        client.loop_start()
        return client

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._broker.ca)
        except (OSError, ssl.SSLError) as cause:
            raise PublishError(f"--mqtt-ca {self._broker.ca} holds no certificate: {cause}") from None

    def send(self, reading: Reading) -> None:
        """Publish a reading now, or when there is a connection again; of each region the newest alone."""
        topic, payload = state_topic(self._broker.topic, reading.region), json.dumps(reading.as_json())
        self._newest[topic] = payload
        if self._client.is_connected():
            self._publish(self._client, topic, payload)

    def flush(self) -> None:
        """Do nothing: what waits is sent by a thread."""

    def close(self) -> None:
        """Say that the watch has ended, and end the connection."""
        if self._client.is_connected():
            last = self._publish(self._client, availability_topic(self._broker.topic), OFFLINE)
            try:
                last.wait_for_publish(LAST_S)  # returns, heard or not
                heard = last.is_published()
            except (RuntimeError, ValueError):
                heard = False
            if not heard:
                self._tell(f"{self._where} did not hear of the end")
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def _where(self) -> str:
        return f"the MQTT broker at {self._broker.host}:{self._broker.port}"

    def _publish(self, client: "Client", topic: str, payload: str) -> Any:
        return client.publish(topic, payload, QOS, retain=True)

    def _on_connect(self, client: "Client", _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._note(f"{self._where} refuses: {reason}", final=str(reason) in _REFUSED)
            return
        if self._told:
            self._tell(f"{self._where} is there")
        self._told.clear()
        for topic, document in self._announced:
            self._publish(client, topic, json.dumps(document, ensure_ascii=False))
        self._online_id = self._publish(client, availability_topic(self._broker.topic), ONLINE).mid
        self._settled.set()

    def _on_publish(self, client: "Client", _data: Any, number: int, _reason: Any, _properties: Any) -> None:
        """Send what is newest: the library lets nobody else publish meanwhile, so what comes later stays later."""
        if number == self._online_id:
            for topic in list(self._newest):
                self._publish(client, topic, self._newest[topic])

    def _on_connect_fail(self, _client: "Client", _data: Any) -> None:
        cause = sys.exc_info()[1]  # which the library handles while it calls this
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = (
                f"{self._where} has a certificate that is not trusted: {cause.verify_message}; name its CA by --mqtt-ca"
            )
            self._note(text, final=True)
        else:
            self._note(f"{self._where} cannot be reached: {getattr(cause, 'strerror', None) or cause}", final=False)

    def _on_disconnect(self, _client: "Client", _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._note(f"{self._where} is gone: {reason}; it will be connected again", final=False)

    def _note(self, text: str, *, final: bool) -> None:
        """Tell the first failure until there is a connection, and each final one; at the start that ends the work."""
        if final and not self._settled.is_set():
            self._refusal = text
            self._settled.set()
        elif not self._told or (final and text not in self._told):
            self._tell(text)
        self._told.add(text)
        self._settled.set()
