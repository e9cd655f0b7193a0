"""Who may ask: the token, the host and the page that a request comes from."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.errors import ServiceError

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.requests import Request

from digitrec_edge.service.guard import Guard, HttpRefusal
from digitrec_edge.service.settings import Settings
from digitrec_edge.service.token import qr_code, read_token
from tests.serving import Serving, serving, wait_for

TOKEN = "abcdefghijklmnopqrstuvwxyz012345"


def request(host: str = "localhost:8028", server: str = "127.0.0.1", query: str = "", **headers: str) -> Request:
    named = {"host": host, **headers}
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/review", "query_string": query.encode(), "server": (server, 8028),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
    }  # fmt: skip
    return Request(scope)


def guard(**settings: Any) -> Guard:
    return Guard(Settings(Path("a.tflite"), **settings))


@pytest.mark.parametrize(
    ("host", "server", "good"),
    [
        ("localhost", "127.0.0.1", True),
        ("LocalHost:8028", "127.0.0.1", True),
        ("127.0.0.1:8028", "127.0.0.1", True),
        ("[::1]:8028", "::1", True),
        ("192.168.1.7:8028", "192.168.1.7", True),
        ("192.168.1.8:8028", "192.168.1.7", False),
        ("meter.example", "192.168.1.7", True),
        ("evil.example", "192.168.1.7", False),
        ("localhost.evil.example", "127.0.0.1", False),
        ("", "127.0.0.1", False),
    ],
)
def test_only_names_and_addresses_of_its_own_are_taken(host: str, server: str, good: bool) -> None:
    checked = guard(lan=True, names=("Meter.example",))
    if good:
        checked.check_place(request(host, server))
    else:
        with pytest.raises(HttpRefusal) as refused:
            checked.check_place(request(host, server))
        assert refused.value.status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "https://localhost:8028", "http://localhost:1", "null", ""])
def test_pages_of_another_origin_may_not_ask(origin: str) -> None:
    guard().check_place(request(origin="http://localhost:8028"))
    with pytest.raises(HttpRefusal) as refused:
        guard().check_place(request(origin=origin))
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, True),
        ({"authorization": f"bearer {TOKEN}"}, True),
        ({"cookie": f"other=1; digitrec_token={TOKEN}"}, True),
        ({}, False),
        ({"authorization": f"Bearer {TOKEN[:-1]}"}, False),
        ({"authorization": f"Basic {TOKEN}"}, False),
        ({"authorization": "Bearer "}, False),
        ({"cookie": "digitrec_token=; x"}, False),
        ({"authorization": "Bearer \u00e9"}, False),
    ],
)
def test_the_token_lets_pass_and_nothing_else_does(headers: dict[str, str], good: bool) -> None:
    asked = request(**headers)
    guard().check_token(asked)  # none is asked
    if good:
        guard(token=TOKEN).check_token(asked)
    else:
        with pytest.raises(HttpRefusal) as refused:
            guard(token=TOKEN).check_token(asked)
        assert refused.value.status == 401


def test_the_link_becomes_a_cookie_and_leaves_the_address() -> None:
    response = guard(token=TOKEN).enter(request(query=f"a=1&token={TOKEN}"))
    assert response
    assert (response.status_code, response.headers["location"]) == (303, "/review?a=1")
    cookie = response.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax"))
    assert "secure" not in cookie
    safe = guard(token=TOKEN, cert=Path("c"), tls_key=Path("k")).enter(request(query=f"token={TOKEN}"))
    assert safe
    assert "secure" in safe.headers["set-cookie"].lower()
    with pytest.raises(HttpRefusal):
        guard(token=TOKEN).enter(request(query="token=other"))
    assert guard().enter(request(query=f"token={TOKEN}")) is None


def test_a_link_of_too_many_values_is_refused() -> None:
    many = "&".join(f"a{k}=1" for k in range(40))
    with pytest.raises(HttpRefusal) as refused:
        guard(token=TOKEN).enter(request(query=f"token={TOKEN}&{many}"))
    assert refused.value.status == 400


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    token = read_token(path)
    assert re.fullmatch(r"[\w-]{43}", token)  # 256 bits
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_token(path) == token
    assert [one.name for one in path.parent.iterdir()] == ["token"]


def test_a_token_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    read_token(path)
    path.chmod(0o640)
    with pytest.raises(ServiceError, match="chmod 600"):
        read_token(path)
    path.write_text("short\n")
    path.chmod(0o600)
    with pytest.raises(ServiceError, match="holds no token"):
        read_token(path)


def test_a_qr_code_is_drawn_in_lines_of_one_width() -> None:
    lines = qr_code(f"http://192.168.1.7:8028/?token={TOKEN}").splitlines()
    widths = {len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines}
    assert len(widths) == 1
    assert 30 < widths.pop() < 80


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    place = tmp_path_factory.mktemp("lan") / "token"
    with serving("--lan", "--token-file", place, "--runtime", "native", "--workers", "1") as found:
        found.token_file = place
        yield found


def test_on_the_network_all_but_health_asks_for_the_token(service: Serving) -> None:
    from digitrec_edge.service.routes import ROUTES

    assert service.token_file
    token = service.token_file.read_text().strip()
    assert not any(token in line for line in service.lines)  # no terminal: a log is read by others
    wait_for(lambda: any("plain http" in line for line in service.lines), "it is said to be plain http")
    for route in ROUTES:
        status = service.ask(route.method, route.path).status
        assert status == (200 if route.open else 401)
    assert service.get("/nix").status == 401
    assert service.get("/v1/card", Authorization=f"Bearer {token}").status == 200
    entered = service.get(f"/review?token={token}")
    cookie = entered.headers["set-cookie"].split(";")[0]
    assert (entered.status, service.get("/review", Cookie=cookie).status) == (303, 200)
    schemes = service.get("/openapi.json", Cookie=cookie).json["components"]["securitySchemes"]
    assert set(schemes) == {"bearer", "cookie"}
