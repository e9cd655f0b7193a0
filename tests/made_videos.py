"""Made videos of counters, each a function of its seed, with what every frame shows.

Looks: digits of fonts on a display, digits of MNIST's test set on paper, and the drums of a mechanical meter, whose
last digit rolls on. The camera shakes, the light fades and goes off, a hand comes before it; all is blurred, noisy and
JPEG.

``python tests/made_videos.py FOLDER --seed N`` writes one as a video with its truth beside it.
"""

import argparse
import importlib.util
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitrec_edge import mnist

Plane = NDArray[np.float32]
LOOKS = ("font", "mnist", "meter")
FRAMES = 120
MARGIN_PX = 40
_FACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSansMono-Bold",
    "STIXGeneral",
    "cmr10",
)
_SKIN = ((224, 172, 140), (141, 85, 60), (190, 130, 100))


@dataclass(frozen=True)
class MadeVideo:
    """A video and its truth.

    Attributes:
        look: of :data:`LOOKS`.
        frames: ``(height, width, 3) uint8`` each.
        truths: what may be read on each frame: one number, or two while a drum rolls from one to the next.
        disturbed: whether the light is off, or a hand is before the number, on each frame.
        region: left, top, width and height of the number, with some room around it.
        digits: how many there are.
    """

    look: str
    frames: tuple[NDArray[np.uint8], ...]
    truths: tuple[frozenset[str], ...]
    disturbed: tuple[bool, ...]
    region: tuple[int, int, int, int]
    digits: int


@dataclass(frozen=True)
class _Scene:
    glyphs: tuple[Plane, ...]
    look: str
    paper: tuple[float, ...]
    ink: tuple[float, ...]
    cell: tuple[int, int]
    shake_px: float
    shake_degrees: float
    blur_px: float
    noise: float
    quality: int
    skin: tuple[int, ...]
    gradient: float


@dataclass(frozen=True)
class Plan:
    """What a video shows, before it is shot: on each frame the number, how far it has rolled, light and hand."""

    scene: _Scene
    digits: int
    states: tuple[tuple[int, float], ...]
    light: Plane
    hands: tuple[float | None, ...]
    random: np.random.Generator

    @property
    def truths(self) -> tuple[frozenset[str], ...]:
        """See :class:`MadeVideo`."""
        return tuple(_truth(number, part, self.digits) for number, part in self.states)

    @property
    def disturbed(self) -> tuple[bool, ...]:
        """See :class:`MadeVideo`."""
        return tuple(bool(lit < 0.5) or hand is not None for lit, hand in zip(self.light, self.hands, strict=True))


def plan(seed: int, frames: int = FRAMES, look: str | None = None) -> Plan:
    """Plan the video of a seed."""
    random = np.random.default_rng(seed)
    look = look or LOOKS[seed % len(LOOKS)]
    scene, digits = _scene(look, random), int(random.integers(4, 7))
    states = _count(digits, frames, rolling=look == "meter", random=random)
    light, hands = _light(frames, random), _hands(frames, random)
    return Plan(scene, digits, tuple(states), light, tuple(hands), random)


def make(seed: int, frames: int = FRAMES, look: str | None = None) -> MadeVideo:
    """Make the video of a seed."""
    made = plan(seed, frames, look)
    scene, digits = made.scene, made.digits
    steps = zip(made.states, made.light, made.hands, strict=True)
    shots = [_shoot(scene, digits, state, lit, hand, made.random) for state, lit, hand in steps]
    height, width = scene.cell
    room = round(0.3 * height)
    region = (MARGIN_PX - room, MARGIN_PX - room, digits * width + 2 * room, height + 2 * room)
    return MadeVideo(scene.look, tuple(shots), made.truths, made.disturbed, region, digits)


def _truth(number: int, part: float, digits: int) -> frozenset[str]:
    shown = {number} if part == 0 else {number, number + 1}
    return frozenset(f"{one:0{digits}d}" for one in shown)


def _count(digits: int, frames: int, rolling: bool, random: np.random.Generator) -> list[tuple[int, float]]:
    """Return the number on each frame, and how far it has rolled to the next, 0 to 1."""
    states: list[tuple[int, float]] = []
    number = int(random.integers(0, 10**digits - 10 * frames))
    while len(states) < frames:
        states += [(number, 0.0)] * int(random.integers(7, 14))
        step = 1 if rolling else int(random.integers(1, 6))
        if rolling:
            parts = int(random.integers(2, 6))
            states += [(number, (k + 1) / (parts + 1)) for k in range(parts)]
        number += step
    return states[:frames]


def _light(frames: int, random: np.random.Generator) -> Plane:
    """Return how bright each frame is; once or twice the light goes off, at once or slowly."""
    slow = 0.85 + 0.15 * np.sin(np.arange(frames) / random.uniform(10, 40) + random.uniform(0, 6))
    for _ in range(int(random.integers(1, 3))):
        start, length, fade = (
            int(random.integers(5, frames - 20)),
            int(random.integers(4, 14)),
            int(random.integers(1, 6)),
        )
        ramp = np.r_[np.linspace(1, 0.02, fade), np.full(length, 0.02), np.linspace(0.02, 1, fade)]
        end = min(frames, start + len(ramp))
        slow[start:end] *= ramp[: end - start]
    return slow.astype(np.float32)


def _hands(frames: int, random: np.random.Generator) -> list[float | None]:
    """Return how far a hand has come across on each frame, -0.2 to 1.2 of the width; None where there is none."""
    hands: list[float | None] = [None] * frames
    for _ in range(int(random.integers(1, 3))):
        start, length = int(random.integers(0, frames - 25)), int(random.integers(8, 24))
        far = float(random.uniform(0.2, 1.2))
        way = np.r_[np.linspace(-0.25, far, length // 2), np.linspace(far, -0.25, length - length // 2)]
        hands[start : start + length] = [float(place) for place in way]
    return hands


def _scene(look: str, random: np.random.Generator) -> _Scene:
    height = int(random.integers(36, 64))
    dark_on_light = look == "mnist" or (look == "font" and bool(random.random() < 0.6))
    light = random.uniform(190, 250) - random.uniform(0, 25, 3)
    dark = random.uniform(10, 70) + random.uniform(0, 25, 3)
    paper, ink = (light, dark) if dark_on_light else (dark, light)
    return _Scene(
        glyphs=_glyphs(look, height, random),
        look=look,
        paper=tuple(paper),
        ink=tuple(ink),
        cell=(height, round(height * random.uniform(0.8, 0.95))),
        shake_px=float(random.uniform(0, 1.5)),
        shake_degrees=float(random.uniform(0, 1)),
        blur_px=float(random.uniform(0.2, 1.4)),
        noise=float(random.uniform(1, 7)),
        quality=int(random.integers(35, 92)),
        skin=_SKIN[random.integers(len(_SKIN))],
        gradient=float(random.uniform(0, 0.4)),
    )


@cache
def _fonts() -> tuple[str, ...]:
    """Fonts that come with matplotlib, which is not imported."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder = Path(next(iter(spec.submodule_search_locations))) / "mpl-data" / "fonts" / "ttf"
    return tuple(str(folder / f"{face}.ttf") for face in _FACES if (folder / f"{face}.ttf").exists())


@cache
def _mnist() -> mnist.Digits:
    return mnist.load("test")


def _glyphs(look: str, height: int, random: np.random.Generator) -> tuple[Plane, ...]:
    """Return how each of ten digits looks in this video, ``(height, width) float32``, 1 is ink."""
    if look == "mnist":
        digits = _mnist()
        chosen = [digits.images[random.choice(np.flatnonzero(digits.labels == k))] for k in range(10)]
        return tuple(_resized(image.astype(np.float32) / 255, height) for image in chosen)
    fonts = _fonts()
    size = round(height * 0.95)
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont = ImageFont.load_default(size)
    if fonts and random.random() < 0.9:
        font = ImageFont.truetype(fonts[random.integers(len(fonts))], size)
    return tuple(_drawn(str(k), font, height) for k in range(10))


def _resized(image: Plane, height: int) -> Plane:
    return np.asarray(Image.fromarray(image).resize((height, height), Image.Resampling.BICUBIC), np.float32).clip(0, 1)


def _drawn(text: str, font: "ImageFont.ImageFont | ImageFont.FreeTypeFont", height: int) -> Plane:
    picture = Image.new("L", (height, height), 0)
    ImageDraw.Draw(picture).text((height / 2, height / 2), text, 255, font=font, anchor="mm")
    return np.asarray(picture, np.float32) / 255


def _strip(scene: _Scene, digits: int, number: int, part: float) -> Plane:
    """Return the number as ink, a cell for each digit; the drums that turn stand between two digits."""
    height, width = scene.cell
    texts = [f"{value:0{digits}d}" for value in (number, number + 1)]
    strip = np.zeros((height, digits * width), np.float32)
    for place, (now, later) in enumerate(zip(*texts, strict=True)):
        roll = round(part * height) if now != later else 0
        drum = np.vstack([_fitted(scene.glyphs[int(now)], width), _fitted(scene.glyphs[int(later)], width)])
        strip[:, place * width : (place + 1) * width] = drum[roll : roll + height]
    return strip


def _fitted(glyph: Plane, width: int) -> Plane:
    """Cut or fill a glyph to a cell's width; digits are narrower than high."""
    spare = glyph.shape[1] - width
    return glyph[:, spare // 2 : spare // 2 + width] if spare >= 0 else np.pad(glyph, ((0, 0), (0, -spare)))


def _shoot(
    scene: _Scene, digits: int, state: tuple[int, float], lit: float, hand: float | None, random: np.random.Generator
) -> NDArray[np.uint8]:
    height, width = scene.cell
    size = (height + 2 * MARGIN_PX, digits * width + 2 * MARGIN_PX)
    ink = np.zeros(size, np.float32)
    ink[MARGIN_PX : MARGIN_PX + height, MARGIN_PX : MARGIN_PX + digits * width] = _strip(scene, digits, *state)
    paper, colour = np.array(scene.paper, np.float32), np.array(scene.ink, np.float32)
    scenery = paper * (1 - ink[..., None]) + colour * ink[..., None]
    picture = Image.fromarray(scenery.clip(0, 255).astype(np.uint8))
    angle, (dx, dy) = random.normal(0, scene.shake_degrees), random.normal(0, scene.shake_px, 2)
    fill = tuple(int(part) for part in paper)
    picture = picture.rotate(angle, Image.Resampling.BICUBIC, translate=(dx, dy), fillcolor=fill)
    if hand is not None:
        _lay_hand(picture, hand, scene.skin, random)
    return _develop(picture, scene, lit, random)


def _lay_hand(picture: Image.Image, far: float, skin: tuple[int, ...], random: np.random.Generator) -> None:
    """Lay three fingers over the picture that come from the right, so far as a share of the width."""
    width, height = picture.size
    tip, draw = (1 - far) * width, ImageDraw.Draw(picture)
    for k in range(3):
        top = height * (0.1 + 0.27 * k) + random.normal(0, 1)
        reach = tip + (0, -0.06, 0.02)[k] * width
        shade = tuple(round(part * (0.92 + 0.04 * k)) for part in skin)
        draw.rounded_rectangle((reach, top, max(width * 1.3, reach + 1), top + height * 0.25), height * 0.12, shade)


def _develop(picture: Image.Image, scene: _Scene, lit: float, random: np.random.Generator) -> NDArray[np.uint8]:
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(scene.blur_px)), np.float32)
    slope = 1 - scene.gradient * np.linspace(0, 1, pixels.shape[1], dtype=np.float32)[None, :, None]
    pixels = pixels * slope * lit + scene.noise * random.standard_normal(pixels.shape, np.float32)
    stream = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=scene.quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def write_video(path: Path, frames: "tuple[NDArray[np.uint8], ...]", per_second: float = 10.0) -> None:
    """Write frames as a video file; the name's ending says how it is compressed: .avi MJPEG, .mp4 MPEG-4."""
    import cv2

    height, width = frames[0].shape[:2]
    code = {".avi": "MJPG", ".mp4": "mp4v"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), per_second, (width, height))
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()


def main() -> None:
    """Write the video of a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    made = make(options.seed)
    write_video(options.folder / "counter.avi", made.frames)
    (options.folder / "counter.json").write_text(json.dumps([sorted(truth) for truth in made.truths]))
    print(f"--region counter={','.join(map(str, made.region))} --digits {made.digits}")


if __name__ == "__main__":
    main()
