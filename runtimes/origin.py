"""Where a model came from: what loads it again in another process, or on another machine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from digitrec_edge import artifact
from digitrec_edge.artifact.container import IN_MEMORY
from digitrec_edge.errors import ArtifactError
from digitrec_edge.files import sha256
from runtimes.table import find

if TYPE_CHECKING:
    from runtimes.model import Model


@dataclass(frozen=True)
class Origin:
    """What a loaded model is carried by; it holds no runtime and can be pickled, compared and used as a key.

    Attributes:
        source: the file, absolute; of a model that was loaded from bytes, these.
        sha256: of the file, or the bytes, as they were read.
        runtime: name of its row; another machine must have that one, too.
        threads: that the runtime may use.
        sealed, key: as :func:`runtimes.load` was given them.
    """

    source: Path | bytes = field(repr=False)
    sha256: str
    runtime: str
    threads: int = 1
    sealed: bool = True
    key: Path | None = None

    @classmethod
    def of(cls, model: "Model") -> "Origin":
        """Return where a model came from."""
        found = model.artifact
        source = found.data if found.path == IN_MEMORY else found.path.absolute()
        key = model.key and model.key.absolute()
        return cls(source, sha256(found.data), model.runtime, model.threads, found.sealed, key)

    def load(self) -> "Model":
        """Load the model again, in the same runtime.

        Raises:
            ArtifactError, RuntimeUnavailableError: as :func:`runtimes.load`; or the file is another than it was.
        """
        from runtimes.loading import open_model

        if isinstance(self.source, bytes):
            found = artifact.parse(self.source, sealed=self.sealed)
        else:
            found = artifact.read(self.source, sealed=self.sealed)
        if sha256(found.data) != self.sha256:
            raise ArtifactError(
                f"{found.path} is another file than the one that the model was loaded from: sha256 "
                f"{sha256(found.data)[:12]} instead of {self.sha256[:12]}; load the model again"
            )
        return open_model(found, find(self.runtime), self.threads, self.key)
