"""What is counted, for Prometheus. All of it is counted in the one process that speaks HTTP."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)

BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
KINDS = ("digit", "unsure", "no digit")


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each figure began: as many lines again, which nobody reads
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "digitrec_requests", "Requests that were answered.", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "digitrec_request_seconds", "From a request's head to its answer.", ("route",), buckets=BUCKETS_S,
            registry=self.registry,
        )  # fmt: skip
        readings = Counter("digitrec_readings", "Digits that were looked at.", ("answer",), registry=self.registry)
        self._readings = [readings.labels(kind) for kind in KINDS]
        self._events = Counter(
            "digitrec_artifacts", "What happened to artifacts: serving, exchanged, refused, stopped.", ("event",),
            registry=self.registry,
        )  # fmt: skip
        self.kept = Counter("digitrec_kept", "Digits that were kept in the collection.", registry=self.registry)
        self.not_kept = Counter("digitrec_not_kept", "Digits that could not be kept.", registry=self.registry)
        self.readers_lost = Counter(
            "digitrec_readers_lost", "Processes that died of a picture, or took too long.", registry=self.registry
        )
        self._model = Info("digitrec_model", "The artifact that answers.", registry=self.registry)
        self._children: dict[tuple[str, int], Callable[[float], None]] = {}

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a figure that is asked for when it is read."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        known = self._children.get((route, status))
        if known is None:
            known = self._children[route, status] = self._counting(route, status)
        known(seconds)

    def _counting(self, route: str, status: int) -> Callable[[float], None]:
        count, observe = self._requests.labels(route, str(status)).inc, self._seconds.labels(route).observe

        def counted(seconds: float) -> None:
            count()
            observe(seconds)

        return counted

    def read(self, tally: list[int]) -> None:
        """Count digits, a number for each of ``KINDS``."""
        for number, counter in zip(tally, self._readings, strict=True):
            if number:
                counter.inc(number)

    def happened(self, event: str) -> None:
        """Count what happened to an artifact."""
        self._events.labels(event).inc()

    def serves(self, **words: str) -> None:
        """Say which artifact answers."""
        self._model.info(words)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)
