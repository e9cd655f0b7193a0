"""Who may ask: the host that a request names, the page that it comes from, and the token."""

import hmac
import ipaddress
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from digitrec_edge.service.settings import Settings

COOKIE = "digitrec_token"
PARAMETER = "token"
MOST_VALUES = 32
"""Of a query."""
_LOCAL = ("localhost",)
_YEAR_S = 365 * 86_400


class HttpRefusal(Exception):  # noqa: N818  an answer, not an accident
    """A request that is not answered as it wishes.

    Attributes:
        status: of HTTP.
        text: one line that says why.
        headers: besides the usual ones.
    """

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class Guard:
    """Lets requests pass, or refuses them."""

    def __init__(self, settings: Settings) -> None:
        own = socket.gethostname().lower()
        known = (*_LOCAL, own, f"{own.split('.')[0]}.local") if settings.lan else _LOCAL
        self._names = frozenset((*known, *(name.lower() for name in settings.names)))
        self._scheme, self._token = settings.scheme, settings.token.encode()

    def check_place(self, request: Request) -> None:
        """Refuse a request for another host, or from a page of another one.

        A name that anybody may lead to this address (DNS rebinding) is none of ours. An address is ours when the
        connection was made to it.

        Raises:
            HttpRefusal: 421 for the host, 403 for the page.
        """
        host = request.headers.get("host", "")
        name = _name_of(host)
        server = request.scope.get("server")
        if not (name in self._names or _is_address(name, server[0] if server else "")):
            raise HttpRefusal(421, f"{host[:80]!r} is no name of this service; add it: digitrec-edge serve --name NAME")
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() != f"{self._scheme}://{host.lower()}":
            raise HttpRefusal(403, f"pages of {origin[:80]!r} may not ask this service")

    def check_token(self, request: Request) -> None:
        """Refuse a request without the token, where one is asked.

        Raises:
            HttpRefusal: 401.
        """
        if not self._token or self._is_token(_bearer(request)) or self._is_token(_cookie(request)):
            return
        raise HttpRefusal(
            401, "a token is needed: open the link that digitrec-edge serve shows, or send Authorization: Bearer TOKEN",
            (("WWW-Authenticate", 'Bearer realm="digitrec-edge"'),),
        )  # fmt: skip

    def enter(self, request: Request) -> Response | None:
        """Take the token of the link that was shown: it becomes a cookie, and the address is left without it.

        The cookie comes with links on pages of others, too: a GET changes nothing, and a POST names its page.

        Raises:
            HttpRefusal: 401, it is another one; 400, the query has too many values.
        """
        if not self._token or request.method != "GET" or b"token=" not in request.scope["query_string"]:
            return None
        try:
            pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), max_num_fields=MOST_VALUES)
        except ValueError:
            raise HttpRefusal(400, f"the query has more than {MOST_VALUES} values") from None
        given = dict(pairs).get(PARAMETER, "")
        if not self._is_token(given):
            raise HttpRefusal(401, "the link is of another token; digitrec-edge serve shows the one that holds")
        rest = urlencode([(name, value) for name, value in pairs if name != PARAMETER])
        response = RedirectResponse(request.scope["path"] + (f"?{rest}" if rest else ""), 303)
        response.set_cookie(
            COOKIE, given, max_age=_YEAR_S, httponly=True, samesite="lax", secure=self._scheme == "https"
        )
        return response

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token)


def _name_of(host: str) -> str:
    """Return a Host header without its port, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str, server: str) -> bool:
    """Whether a host is written as a loopback address, or as the one that was connected to."""
    try:
        found = ipaddress.ip_address(name)
        return found.is_loopback or found == ipaddress.ip_address(server)
    except ValueError:
        return False


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cookie(request: Request) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
