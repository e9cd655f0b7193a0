"""Keeping: answers that are to be looked at go into the collection before they are given.

One thread writes, so that the loop never waits for a disk, and what came while it wrote is written together: as many
answers a second are kept as with a sync for each, and many more.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from digitrec_edge.collection import Collection, Keep, Kept, utc_now
from digitrec_edge.errors import CollectionError
from digitrec_edge.quantization import SIDE
from digitrec_edge.service.frames import PipeFrame
from digitrec_edge.service.metrics import Metrics

SOURCE = "serve"
_IMAGE_BYTES = SIDE * SIDE
_MOST_BYTES = 8 << 20
"""Of pictures that are written together."""

_Result = TypeVar("_Result")
_Waiting = tuple[list[Kept], "asyncio.Future[list[str]]"]


class Keeper:
    """Keeps answers by a rule, and has what was kept corrected.

    Args:
        path: of the collection; made when it is missing, unless the rule keeps nothing.
        rule: which answers.
        limit_bytes: that it may have; None is no limit.

    Raises:
        CollectionError: the file is no collection, damaged, or missing where nothing is kept.
        OutputError: it cannot be made.
    """

    def __init__(
        self, path: Path, rule: str, limit_bytes: int | None, metrics: Metrics, log: Callable[[str], None]
    ) -> None:
        self._keep, self._metrics, self._log = Keep.parse(rule), metrics, log
        self._collection = Collection(path, limit_bytes, create=self._keep.keeps)
        self._thread = ThreadPoolExecutor(1, "collection")
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def keeps(self) -> bool:
        """Whether any answer is kept, and not only corrected what is there."""
        return self._keep.keeps

    async def ask(self, question: Callable[[Collection], _Result]) -> _Result:
        """Put a question to the collection in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(question, self._collection))

    async def keep(self, answer: PipeFrame, artifact_sha256: str) -> bytes:
        """Keep of an answer what the rule wants; returns its JSON with the ids of what is on disk now, ``kept``."""
        content = json.loads(answer.body)
        wanted = [
            kept
            for kept, unsure in _digits(content, answer.extra, artifact_sha256)
            if self._keep.wants(kept, unsure=unsure)
        ]
        content["kept"] = await self._write(wanted) if wanted else []
        return json.dumps(content).encode()

    async def _write(self, wanted: list[Kept]) -> list[str]:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_all())
        try:
            ids = await done
        except CollectionError as error:
            self._metrics.not_kept.inc(len(wanted))
            self._log(f"not kept: {error}")
            return []
        self._metrics.kept.inc(len(ids))
        return ids

    async def _write_all(self) -> None:
        while self._waiting:
            batch = self._take()
            try:
                named = [(kept.id, kept) for wanted, _ in batch for kept in wanted]
                await self.ask(lambda collection, named=named: collection.put(named))  # type: ignore[misc]
            except CollectionError as error:
                await self._write_one_by_one(batch, error)
            else:
                for wanted, done in batch:
                    _settle(done, [kept.id for kept in wanted])

    async def _write_one_by_one(self, batch: list[_Waiting], error: CollectionError) -> None:
        """Let a picture that is too large, or a full collection, fail for itself."""
        for wanted, done in batch:
            try:
                if len(batch) == 1:
                    raise error
                _settle(done, await self.ask(lambda collection, wanted=wanted: collection.keep_all(wanted)))  # type: ignore[misc]
            except CollectionError as cause:
                if not done.done():
                    done.set_exception(cause)

    def _take(self) -> list[_Waiting]:
        size = count = 0
        for wanted, _ in self._waiting:
            size += len(wanted[0].picture)
            if count and size > _MOST_BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def close(self) -> None:
        """Write what waits, and close the file."""
        if self._writing:
            await self._writing
        await self.ask(Collection.close)
        self._thread.shutdown()


def _settle(done: "asyncio.Future[list[str]]", ids: list[str]) -> None:
    if not done.done():
        done.set_result(ids)


def _digits(content: dict[str, Any], extra: bytes, artifact_sha256: str) -> list[tuple[Kept, bool]]:
    """Return the digits of an answer as a collection takes them, and whether each was called unsure."""
    digits = content.get("digits", [content])
    size, now = _IMAGE_BYTES * len(digits), utc_now()
    images = np.frombuffer(extra[:size], np.uint8).reshape(-1, SIDE, SIDE)
    return [
        (
            Kept(
                picture=extra[size:], image=image, digit=digit["digit"],
                candidate=int(np.argmax(digit["probabilities"])), probability=digit["probability"],
                score=0.0 if digit["score"] is None else digit["score"], artifact_sha256=artifact_sha256, time=now,
                source=SOURCE, box=tuple(digit["box"]),
            ),
            digit["unsure"],
        )
        for image, digit in zip(images, digits, strict=True)
    ]  # fmt: skip
