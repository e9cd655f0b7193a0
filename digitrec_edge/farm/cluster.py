"""Dask: processes here, or the workers of a scheduler somewhere; parts are given to them in bounded number."""

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, Security, as_completed
from distributed.comm import connect

from digitrec_edge.errors import DataError, DigitrecError
from digitrec_edge.farm.output import Tally
from digitrec_edge.farm.parts import InputPart

WAIT_S = 10.0
"""For a scheduler to answer, and for it to have a worker."""

AHEAD = 4
"""Parts per core that are given away at a time: enough that none waits, few enough that an end is quick."""


_SETTINGS = {
    "distributed.scheduler.worker-saturation": 1.0,  # the part that a process dies of is the only one that it has
    "distributed.worker.profile.enabled": False,  # it would look at every thread, a hundred times a second
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1, "MKL_NUM_THREADS": 1},
}
"""Also one thread for each process; memory is not given back after every batch, as Dask would have it."""


@dataclass(frozen=True)
class Cluster:
    """Workers that are connected.

    Attributes:
        place: what errors call them.
        cores: parts that they read at a time.
    """

    client: Any
    place: str
    cores: int


@contextmanager
def local_cluster(processes: int) -> Iterator[Cluster]:
    """Start processes of one thread each on this machine, which end with the block, or with this process.

    They are reached over the loopback device, with a certificate that is made for the occasion: nobody else who is on
    the machine can give them work.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        _be_quiet()
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                host="127.0.0.1",
                protocol="tls://",
                security=Security.temporary(),
                dashboard_address=None,
                worker_dashboard_address=None,
                silence_logs=logging.CRITICAL,
                local_directory=folder,
            )
        )
        client = stack.enter_context(Client(cluster, set_as_default=False))
        yield Cluster(client, "this machine", processes)


@contextmanager
def remote_cluster(address: str) -> Iterator[Cluster]:
    """Connect to a scheduler, by Dask's own configuration (``distributed.comm.tls``) where that asks for TLS.

    Raises:
        DigitrecError: it does not answer within ``WAIT_S``, or has no worker.
    """
    _be_quiet()
    try:
        asyncio.run(asyncio.wait_for(_ask(address), WAIT_S))
        client = Client(address, timeout=WAIT_S, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as cause:
        text = " ".join(str(cause).split())[:200]
        raise DigitrecError(f"no Dask scheduler answers at {address}: {text or type(cause).__name__}") from cause
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_S)
        except TimeoutError:
            raise DigitrecError(f"the scheduler at {address} has no workers: dask worker {address}") from None
        yield Cluster(client, address, sum(client.nthreads().values()))


async def _ask(address: str) -> None:
    """Ask a scheduler who it is; a client would wait for ever for one that takes connections and says nothing."""
    comm = await connect(address, timeout=WAIT_S, **Security().get_connection_args("client"))
    try:
        await comm.write({"op": "identity", "reply": True})
        await comm.read()
    finally:
        comm.abort()


def _be_quiet() -> None:
    """Let an end, a lost worker or a refused connection be told by us alone."""
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
    dask.config.set(_SETTINGS)


def run(
    cluster: Cluster, work: Callable[[InputPart], Tally], parts: Iterable[InputPart]
) -> Iterator[tuple[InputPart, Tally | DataError]]:
    """Yield what was read of each part as it is done, or why it could not be read.

    A part whose worker dies is given to another.

    Raises:
        DigitrecError: anything that is not of one part: the answers cannot be written, the model cannot be loaded, the
            workers are gone, or die of a part again and again.
    """
    waiting = iter(parts)
    asked: dict[Any, InputPart] = {}
    done = as_completed(loop=cluster.client.loop, with_results=False)

    def give(count: int) -> None:
        for part in islice(waiting, count):
            future = cluster.client.submit(work, part, pure=False)
            asked[future] = part
            done.add(future)

    give(AHEAD * cluster.cores)
    for future in done:
        part = asked.pop(future)
        yield part, _outcome(future, part, cluster.place)
        give(1)


def _where(part: InputPart) -> str:
    if part.files:
        return f"the pictures from {part.files[0]} to {part.files[-1]}"
    return f"rows {part.start:,} to {part.stop - 1:,} of {part.source}"


def _outcome(future: Any, part: InputPart, place: str) -> Tally | DataError:
    """Wait for a future that is done: should its process have died since, another one reads the part again."""
    try:
        tally: Tally = future.result()
    except DataError as error:
        return error
    except CancelledError:
        raise DigitrecError(f"the connection to {place} was lost; the same command goes on") from None
    except KilledWorker as cause:
        raise DigitrecError(f"{part.name} ends every process that reads it: {_where(part)}") from cause
    except ImportError as cause:
        raise DigitrecError(f"the workers of {place} lack digitrec-edge with its extra dask: {cause}") from cause
    return tally
