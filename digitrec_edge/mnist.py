"""The data set: four IDX files, checked, as uint8 arrays; and seeded samples of it.

The package carries MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0), because a device needs the test set
to prove parity and has no network. The user's own digits, or signs of other labels, come as the same
four files (plain or .gz; also called train-images.idx3-ubyte and so on, as in some archives), as those of EMNIST
(Cohen et al. 2017: emnist-letters-train-images-idx3-ubyte.gz and so on), or as one .npz with x_train, y_train,
x_test and y_test.

IDX: a big-endian header (magic 2051 for images, 2049 for labels, then one length per dimension) and
raw bytes.
"""

import gzip
import hashlib
import io
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import DataError
from digitrec_edge.files import read_file, sha256
from digitrec_edge.frozen import Frozen
from digitrec_edge.labels import DIGITS, Numbers
from digitrec_edge.npz import LIMIT_BYTES, MissingArrayError, read_arrays
from digitrec_edge.quantization import PIXEL_MAX
from digitrec_edge.quantization import SIDE as SIDE  # of an image, named here too

_LIGHT = 170
"""A set whose border is brighter on average has a light background; MNIST's is 0.4, that of noise 127."""

CLASSES = len(DIGITS)
"""The digits 0 to 9."""

SEEDS = range(1 << 31)
"""What a training or a drawing of images may start from: what numpy, Keras and JSON all take."""

BUNDLED = Path(__file__).parent / "data" / "mnist"

Part = Literal["train", "test"]

_IDX_NAMES: dict[Part, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_NPZ_NAMES: dict[Part, tuple[str, str]] = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
_BUNDLED_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class Digits(Frozen):
    """Images and what they show.

    Attributes:
        images: ``(N, 28, 28) uint8``, 0 is background, 255 is foreground.
        labels: ``(N,) uint8``, 0 to 9, or as many as there are; uint16 where one is above 255.
    """

    images: NDArray[np.uint8]
    labels: Numbers

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Return the SHA-256 of images and labels: the identity of this set."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


def load(part: Part, source: Path | None = None, classes: int = CLASSES) -> Digits:
    """Read one part of the data set.

    Args:
        part: ``"train"`` or ``"test"``.
        source: a folder with IDX files, a .npz file, or one set of several in a folder, ``FOLDER/emnist-letters``;
            None is the bundled MNIST.
        classes: how many labels there are; an image's is below. EMNIST's letters count from 1: where they reach
            ``classes`` itself, they are counted from 0.

    Raises:
        DataError: a file is missing, truncated, has a wrong magic number, shape or label, or the
            bundled files are not the original ones; or the images are dark on light.
    """
    if source is None:
        return _load_idx(part, BUNDLED, "", classes)
    source = Path(source)
    if _is_npz(source):
        return _load_npz(part, source, classes)
    return _load_idx(part, *_idx_set(source), classes)


def load_for(labels: Sequence[str], part: Part, source: Path | None = None) -> Digits:
    """Read one part of the data set for a recogniser with these labels; see :func:`load`.

    Raises:
        DataError: what :func:`load` raises; or no source is given, and MNIST does not show what the labels name.
    """
    if source is None and len(labels) != CLASSES and tuple(labels[:CLASSES]) != DIGITS:
        named = ", ".join(labels[:3]) + (", ..." if len(labels) > 3 else "")
        raise DataError(
            f"MNIST shows the digits 0 to 9, the recogniser names {named}: give images of these with --data"
        )
    return load(part, source, len(labels))


def files_of(part: Part, source: Path) -> tuple[Path, ...]:
    """Return the files that :func:`load` reads for a part of a data set; in a folder of their own they are one, too.

    Raises:
        DataError: one is missing.
    """
    if _is_npz(source):
        return (source,)
    folder, emnist = _idx_set(source)
    return tuple(_idx_file(folder, name) for name in _idx_names(part, emnist))


def sample_indices(count: int, total: int, seed: int) -> NDArray[np.int64]:
    """Draw ``count`` different indices below ``total``, sorted; the same for the same seed.

    Raises:
        DataError: fewer than 1 or more than ``total`` are asked for, or the seed is none of ``SEEDS``.
    """
    if seed not in SEEDS:
        raise DataError(f"seed is {seed}, 0 to {SEEDS[-1]} is allowed")
    if not 1 <= count <= total:
        raise DataError(f"cannot draw {count} images; the set has {total}, give 1 to {total}")
    return np.sort(np.random.default_rng(seed).permutation(total)[:count]).astype(np.int64)


def _is_npz(source: Path) -> bool:
    return source.suffix == ".npz" and not source.is_dir()


def _idx_set(source: Path) -> tuple[Path, str]:
    """Return the folder of a set's IDX files, and what EMNIST's names begin with there; nothing before MNIST's."""
    if source.is_dir():
        return source, _only_set(source)
    if source.name in _emnist_sets(source.parent):
        return source.parent, source.name
    if not source.exists():
        raise DataError(f"no such data set: {source}; give a folder with IDX files or a .npz file")
    raise DataError(f"{source} is not a data set; give a folder with IDX files or a .npz file")


def _emnist_sets(folder: Path) -> list[str]:
    """Return the sets with EMNIST's file names in a folder: ``emnist-letters`` and so on."""
    return sorted({path.name.rsplit("-", 4)[0] for path in folder.glob("emnist-*-*-images-idx3-ubyte*")})


def _only_set(folder: Path) -> str:
    """Return the set in a folder: one with EMNIST's names, or that with MNIST's, whose files begin with nothing."""
    found = _emnist_sets(folder)
    if any(folder.glob(f"{_IDX_NAMES['test'][0]}*")) or not found:
        return ""
    if len(found) > 1:
        raise DataError(f"{folder} holds {', '.join(found)}; give one of them: {folder / found[0]}")
    return found[0]


def _load_idx(part: Part, folder: Path, emnist: str, classes: int) -> Digits:
    image_name, label_name = _idx_names(part, emnist)
    images = _parse_idx(folder, image_name, dimensions=3)
    labels = _parse_idx(folder, label_name, dimensions=1)
    if emnist and len(labels) and labels.min() == 1 and labels.max() == classes:
        labels = labels - 1
    return _checked(images, labels, f"{folder / emnist} ({part})", classes)


def _idx_names(part: Part, emnist: str) -> tuple[str, str]:
    return (f"{emnist}-{part}-images-idx3-ubyte", f"{emnist}-{part}-labels-idx1-ubyte") if emnist else _IDX_NAMES[part]


def _idx_file(folder: Path, name: str) -> Path:
    names = (name, f"{name}.gz", name.replace("-idx", ".idx"), f"{name.replace('-idx', '.idx')}.gz")
    path = next((p for p in (folder / one for one in names) if p.exists() and not p.is_dir()), None)
    if path is None and folder == BUNDLED and name in _IDX_NAMES["train"]:
        raise DataError(
            "this is the installation for devices, without training images: install the whole wheel (make wheel "
            "leaves it in dist/), or give a data set of your own with --data"
        )
    if path is None:
        raise DataError(f"{folder} lacks {name} (plain or .gz)")
    return path


def _parse_idx(folder: Path, name: str, *, dimensions: int) -> NDArray[Any]:
    path = _idx_file(folder, name)
    data = _idx_bytes(path, 4 + 4 * dimensions)
    if folder == BUNDLED and sha256(data) != _BUNDLED_SHA256[name]:
        raise DataError(f"{path} is not the original MNIST file (its sha256 differs); install digitrec-edge again")
    return _idx_array(data, dimensions, path)


def _idx_bytes(path: Path, header_bytes: int) -> bytes:
    """Read an IDX file, packed or not; no more is unpacked than its header promises and a byte."""
    data = read_file(path, limit_bytes=LIMIT_BYTES, error=DataError)
    if path.suffix != ".gz":
        return data
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            header = stream.read(header_bytes)
            if len(header) < header_bytes:
                return header
            rest_bytes = _promised_bytes(header)
            if len(data) + rest_bytes > LIMIT_BYTES:
                raise DataError(
                    f"{path} promises {rest_bytes:,} bytes; at most {LIMIT_BYTES - len(data):,} are unpacked of it"
                )
            return header + stream.read(rest_bytes + 1)
    except (OSError, EOFError, zlib.error) as cause:
        raise DataError(f"{path} is truncated or not gzip: {cause}") from cause


def _promised_bytes(header: bytes) -> int:
    """Bytes behind the header of an IDX file."""
    return math.prod(struct.unpack(f">{len(header) // 4}I", header)[1:])


def _idx_array(data: bytes, dimensions: int, path: Path) -> NDArray[np.uint8]:
    header_bytes = 4 + 4 * dimensions
    magic = 0x0800 | dimensions
    if len(data) < header_bytes:
        raise DataError(f"{path} is truncated: {len(data)} bytes, the header alone has {header_bytes}")
    found, *shape = struct.unpack(f">{1 + dimensions}I", data[:header_bytes])
    if found != magic:
        raise DataError(f"{path} has magic number {found}, an IDX file of this kind has {magic}")
    expected_bytes = header_bytes + _promised_bytes(data[:header_bytes])
    if len(data) < expected_bytes:
        raise DataError(f"{path} is truncated: {len(data):,} bytes, its header promises {expected_bytes:,}")
    if len(data) > expected_bytes:
        raise DataError(f"{path} has {len(data) - expected_bytes:,} bytes more than its header promises")
    return np.frombuffer(data, np.uint8, offset=header_bytes).reshape(shape)


def _load_npz(part: Part, path: Path, classes: int) -> Digits:
    data = read_file(path, limit_bytes=LIMIT_BYTES, error=DataError)
    image_name, label_name = _NPZ_NAMES[part]
    try:
        images, labels = read_arrays(data, (image_name, label_name))
    except MissingArrayError as cause:
        raise DataError(f"{path} {cause}; x_train, y_train, x_test and y_test are needed") from None
    except ValueError as cause:
        raise DataError(f"{path} is truncated or not a .npz file: {cause}") from cause
    return _checked(images, labels, f"{path} ({part})", classes)


def _checked(images: NDArray[Any], labels: NDArray[Any], where: str, classes: int) -> Digits:
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(f"{where}: images have shape {images.shape}, (N, {SIDE}, {SIDE}) is needed")
    if images.dtype != np.uint8:
        raise DataError(f"{where}: images are {images.dtype}, uint8 (0 background, {PIXEL_MAX} foreground) is needed")
    if labels.ndim != 1:
        raise DataError(f"{where}: labels have shape {labels.shape}, (N,) is needed")
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{where}: labels are {labels.dtype}, whole numbers 0-{classes - 1} are needed")
    if len(images) != len(labels):
        raise DataError(f"{where}: {len(images):,} images but {len(labels):,} labels")
    if len(images) == 0:
        raise DataError(f"{where}: no images")
    border = float(np.mean([images[:, :: SIDE - 1].mean(), images[:, :, :: SIDE - 1].mean()]))
    if border > _LIGHT:
        raise DataError(
            f"{where}: images are dark on light, their border is {border:.0f} on average; 0 is background and "
            f"{PIXEL_MAX} foreground, as in MNIST: store {PIXEL_MAX} - images"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(f"{where}: label {labels[wrong[0]]} at index {wrong[0]} is outside 0-{classes - 1}")
    return Digits(images, labels.astype(np.uint8 if labels.max() < 256 else np.uint16))
