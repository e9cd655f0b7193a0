"""Synthetic photographs of handwritten digits: a test set of its own, made from MNIST's test digits.

Every picture is a function of the digit's pixels, its index and a seed: pen, pencil, marker or chalk of
some colour, on paper or a board with texture, seen at a slant, in uneven light with vignette and sometimes a
shadow's edge, out of focus, with sensor noise, as JPEG.

``python tests/photographs.py [COUNT] [--seed N] [--model FILE] [--save FOLDER]`` measures how many are read right.
"""

import argparse
import dataclasses
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Plane = NDArray[np.float32]

SEED = 20_000
COUNT = 2_000
_INKS = {
    "black": (25, 25, 30),
    "blue": (30, 50, 150),
    "red": (170, 35, 40),
    "green": (20, 95, 60),
    "pencil": (85, 85, 90),
}
_PAPERS = ((250, 250, 247), (244, 238, 220), (225, 222, 215), (205, 205, 200), (235, 240, 245))
_BOARDS = ((35, 60, 48), (40, 42, 45), (25, 28, 60))


@dataclass(frozen=True)
class Scene:
    """What a photograph is made of; lengths in pixels."""

    board: bool
    ink: tuple[int, int, int]
    paper: tuple[int, int, int]
    size: tuple[int, int]
    digit_px: float
    pen: float
    slant_degrees: float
    perspective: float
    gradient: float
    shadow: float
    blur_px: float
    noise: float
    quality: int


def draw_scene(random: np.random.Generator) -> Scene:
    """Draw a scene by chance."""
    board = bool(random.random() < 0.15)
    inks, papers = list(_INKS.values()), _BOARDS if board else _PAPERS
    width, height = (640, 480) if random.random() < 0.5 else (480, 640)
    return Scene(
        board=board,
        ink=(225, 225, 215) if board else inks[random.integers(len(inks))],
        paper=papers[random.integers(len(papers))],
        size=(width, height),
        digit_px=float(random.uniform(60, 380)),
        pen=float(random.uniform(0.3, 0.5)),
        slant_degrees=float(random.uniform(-5, 5)),
        perspective=float(random.uniform(0, 0.08)),
        gradient=float(random.uniform(0, 0.55)),
        shadow=float(random.uniform(0.55, 0.85)) if random.random() < 0.3 else 1.0,
        blur_px=float(random.uniform(0.3, 1.8)),
        noise=float(random.uniform(1, 6)),
        quality=int(random.integers(40, 92)),
    )


def photograph(digit: NDArray[np.uint8], scene: Scene, random: np.random.Generator) -> bytes:
    """Photograph a ``(28, 28) uint8`` digit; returns a JPEG file's bytes."""
    cover = _project(_outline(digit, scene.pen), scene, random)
    height, width = cover.shape
    grain = 1 - (0.45 if scene.board else 0.12) * np.abs(_texture(height, width, 2, random))
    cover = cover * np.clip(grain, 0.3, 1)
    paper = np.array(scene.paper, np.float32) + 5 * _texture(height, width, 3, random)[..., None]
    paper = paper + 4 * _texture(height, width, 40, random)[..., None]
    picture = paper * (1 - cover[..., None]) + np.array(scene.ink, np.float32) * cover[..., None]
    picture = picture * _light(height, width, scene, random)[..., None]
    return develop(picture, scene, random)


def develop(picture: Plane, scene: Scene, random: np.random.Generator) -> bytes:
    """Blur, add the sensor's noise and save ``(H, W, 3)`` as JPEG."""
    blurred = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(scene.blur_px))
    noisy = np.asarray(blurred, np.float32) + scene.noise * random.standard_normal(picture.shape, np.float32)
    stream = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=scene.quality)
    return stream.getvalue()


def _outline(digit: NDArray[np.uint8], pen: float) -> Plane:
    """Enlarge 16 times with a sharp edge; ``pen`` is the grey that becomes the edge: lower is a thicker pen."""
    large = np.asarray(Image.fromarray(digit).resize((448, 448), Image.Resampling.BICUBIC), np.float32) / 255
    edge = pen * float(np.percentile(digit[digit > 0], 80)) / 255
    return np.clip((large - edge) * 6 + 0.5, 0, 1).astype(np.float32)


def _project(shape: Plane, scene: Scene, random: np.random.Generator) -> Plane:
    """Place the shape in the frame: scaled, turned, in perspective, wholly inside."""
    width, height = scene.size
    rows, columns = np.flatnonzero((shape > 0.5).any(axis=1)), np.flatnonzero((shape > 0.5).any(axis=0))
    corners = np.array([[columns[0], rows[0]], [columns[-1], rows[0]], [columns[-1], rows[-1]], [columns[0], rows[-1]]])
    numbers = place(corners.astype(float), scene.digit_px / float(max(np.ptp(rows), np.ptp(columns))), scene, random)
    flat = Image.fromarray(shape).transform(
        (width, height), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(flat, np.float32), 0, 1)


def place(corners: NDArray[np.float64], scale: float, scene: Scene, random: np.random.Generator) -> tuple[float, ...]:
    """Place four corners in the frame: scaled, turned, in perspective, inside where there is room.

    Returns:
        The numbers of Pillow's perspective transform.
    """
    width, height = scene.size
    angle = np.radians(scene.slant_degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    placed = (corners - corners.mean(axis=0)) * scale @ turn.T
    placed += random.uniform(-1, 1, (4, 2)) * scene.perspective * scene.digit_px / 2
    low, high = placed.min(axis=0), placed.max(axis=0)
    margin = min(width, height) // 30
    room = np.maximum(np.array([width, height]) - 2 * margin - (high - low), 0)
    placed += margin - low + random.uniform(0, 1, 2) * room
    return tuple(homography(placed, corners).tolist())


def homography(target: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 8 numbers of Pillow's perspective transform that take ``target`` points to ``source`` ones."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    found: NDArray[np.float64] = np.linalg.solve(np.array(rows), np.array(values))
    return found


def _texture(height: int, width: int, grain_px: int, random: np.random.Generator) -> Plane:
    """Return smooth noise of variance 1."""
    size = (height // grain_px + 2, width // grain_px + 2)
    coarse = Image.fromarray(random.standard_normal(size, np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    plane = np.asarray(coarse, np.float32)
    return plane / max(float(plane.std()), 1e-6)


def _light(height: int, width: int, scene: Scene, random: np.random.Generator) -> Plane:
    """Return brightness factors: a gradient from a random side, a vignette, and a shadow's soft edge."""
    down, right = np.mgrid[:height, :width].astype(np.float32)
    down, right = down / height * 2 - 1, right / width * 2 - 1
    angle = random.uniform(0, 2 * np.pi)
    along = np.cos(angle) * right + np.sin(angle) * down
    light = 1 - scene.gradient * (along + 1.4) / 2.8
    light *= 1 - 0.12 * (down**2 + right**2)
    if scene.shadow < 1:
        edge = random.uniform(-0.7, 0.7)
        angle = random.uniform(0, 2 * np.pi)
        distance = np.cos(angle) * right + np.sin(angle) * down - edge
        light *= 1 - (1 - scene.shadow) / (1 + np.exp(np.clip(-distance / random.uniform(0.01, 0.08), -50, 50)))
    return light.astype(np.float32)


def make(images: NDArray[np.uint8], index: int, seed: int = SEED, scale: float = 1.0) -> bytes:
    """Return the photograph of ``images[index]``: the same bytes for the same digit, index, seed and scale.

    Args:
        scale: of all lengths of the scene; a camera of less resolution.
    """
    random = np.random.default_rng([seed, index])
    return photograph(images[index], scaled(draw_scene(random), scale), random)


def scaled(scene: Scene, scale: float) -> Scene:
    """Return the scene with fewer or more pixels."""
    width, height = scene.size
    size = (round(scale * width), round(scale * height))
    return dataclasses.replace(scene, size=size, digit_px=scale * scene.digit_px, blur_px=scale * scene.blur_px)


def main(arguments: list[str]) -> int:
    """Measure how many photographs are read right."""
    from digitrec_edge import mnist, pretrained
    from digitrec_edge.errors import PictureError
    from digitrec_edge.preprocess import decode, to_digit
    from runtimes import load

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED, help="of the choice of digits and of the scenes")
    parser.add_argument("--model", type=Path, default=pretrained.DEFAULT)
    parser.add_argument("--save", type=Path, help="write the photographs that were read wrong into this folder")
    chosen = parser.parse_args(arguments)
    digits, right = mnist.load("test"), 0
    indices = mnist.sample_indices(chosen.count, len(digits), chosen.seed)
    with load(chosen.model) as model:
        for index in indices:
            data = make(digits.images, int(index), chosen.seed)
            try:
                found = str(model.classify(to_digit(decode(data, "photograph"))))
            except PictureError as error:
                found = str(error)
            label = str(digits.labels[index])
            right += found == label
            if found != label:
                print(f"{index}: a {label} was read as: {found}")
                if chosen.save:
                    chosen.save.mkdir(parents=True, exist_ok=True)
                    (chosen.save / f"{index}-{label}.jpg").write_bytes(data)
    print(f"{right} of {chosen.count} photographs read right: {right / chosen.count:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
