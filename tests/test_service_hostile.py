"""A short campaign of hostile requests; ``tests/hostile_requests.py`` runs a long one."""

import socket
from collections.abc import Iterator

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from digitrec_edge import mnist
from digitrec_edge.service.settings import ServiceLimits
from tests import hostile_pictures
from tests.hostile_requests import HALF, Campaign, report
from tests.serving import LIMIT_S, Serving, png, serving

BODIES = 30


@pytest.fixture(scope="module")
def service() -> Iterator[Serving]:
    with serving("--runtime", "native", "--workers", "1", "--max-connections", "64", "--max-body-mb", "48") as found:
        yield found


def test_hostile_requests_take_nothing_down_and_starve_nobody(service: Serving) -> None:
    campaign = Campaign(service, seed=1, count=BODIES)
    lines = [*report(service, campaign, 1)]
    assert campaign.outcome.faults == [], lines
    assert sum(campaign.outcome.statuses.values()) == BODIES
    assert campaign.outcome.honest > 0


def test_a_campaign_of_which_a_thread_has_ended_is_no_campaign(
    service: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(files: object, seed: int, number: int) -> bytes:
        return b"" if number < 3 else 1 // 0 * b""

    monkeypatch.setattr(hostile_pictures, "make", make)
    with pytest.raises(ZeroDivisionError):
        Campaign(service, seed=1, count=BODIES).run()


@pytest.mark.parametrize("data", HALF, ids=range(len(HALF)))
def test_half_a_request_is_given_up(service: Serving, data: bytes) -> None:
    """The connection ends after a line that says why, or without a word, and never with an answer to nothing."""
    with socket.create_connection(service.place, LIMIT_S) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := client.recv(1 << 16):
                answer += part
        except ConnectionResetError:
            pass
    assert not answer or answer.split(b" ")[1] in (b"400", b"408", b"413", b"421", b"431"), answer[:200]
    assert service.read(png(mnist.load("test").images[0])).json["digit"] == 7


def test_the_limits_are_those_that_the_documentation_states() -> None:
    limits = ServiceLimits()
    assert (limits.head_s, limits.body_s, limits.read_s, limits.connections) == (10.0, 20.0, 10.0, 256)
