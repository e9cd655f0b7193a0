"""Pictures for ``web_equality.py``: every kind that the tests have, and what is at the edge of being a picture.

A kind is a function of MNIST's digits and a seed; ``KINDS`` has each with its share of a campaign.
"""

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageFilter

from digitrec_edge import mnist
from tests import photographs
from tests.pictures import SETS, module_of
from tests.web_equality import Case, Pixels

SHARES = {"sheets": 60}
"""Pictures of each kind of a set, where it is not 40."""

IN_COLOUR = ("dark",)

Make = Callable[[mnist.Digits, int], Pixels]


def _made(set_: str, kind: str) -> Make:
    _, make = module_of(set_)
    return lambda digits, seed: _decoded(make(digits, kind, seed).data, "RGB" if set_ in IN_COLOUR else "L")


def _decoded(jpeg: bytes, mode: str) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert(mode))


def _photograph(digits: mnist.Digits, seed: int) -> Pixels:
    scale = (1.0, 0.5, 0.7, 1.25)[seed % 4]
    return _decoded(photographs.make(digits.images, seed % len(digits), seed, scale), "L")


def _turned(digits: mnist.Digits, seed: int) -> Pixels:
    """A photograph on its side or upside down."""
    return np.ascontiguousarray(np.rot90(_photograph(digits, seed), 1 + seed % 3))


def _large(digits: mnist.Digits, seed: int) -> Pixels:
    """More than 1,024 pixels, which are averaged down first."""
    random = np.random.default_rng([seed, 1])
    small = Image.fromarray(_photograph(digits, seed))
    width = int(random.integers(1_100, 2_600))
    page = small.resize((width, round(width * random.uniform(0.5, 1.2))), Image.Resampling.BICUBIC)
    noise = random.normal(0, random.uniform(0, 6), (page.height, page.width))
    return np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8)


def _scaled(digits: mnist.Digits, seed: int) -> Pixels:
    """A digit of MNIST at any size, dark on light or light on dark, hard or soft."""
    random = np.random.default_rng([seed, 2])
    image = Image.fromarray(digits.images[random.integers(len(digits))])
    size = (int(random.integers(5, 260)), int(random.integers(5, 260)))
    kind = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)[random.integers(3)]
    scaled = np.asarray(image if random.random() < 0.2 else image.resize(size, kind))
    framed = np.pad(scaled, int(random.integers(0, 30)))
    return np.invert(framed) if random.random() < 0.5 else framed


def _page(digits: mnist.Digits, seed: int) -> Pixels:
    """Several digits of one size, or of several, anywhere on a page; now and then with a gradient and noise."""
    random = np.random.default_rng([seed, 3])
    page = np.zeros((int(random.integers(60, 420)), int(random.integers(60, 420))), np.uint8)
    for _ in range(int(random.integers(1, 14))):
        side = int(random.integers(14, 90))
        digit = np.asarray(Image.fromarray(digits.images[random.integers(len(digits))]).resize((side, side)))
        top, left = (int(random.integers(0, max(1, length - side))) for length in page.shape)
        target = page[top : top + side, left : left + side]
        np.maximum(target, digit[: target.shape[0], : target.shape[1]], out=target)
    if random.random() < 0.5:
        return np.invert(page) if random.random() < 0.7 else page
    light = np.linspace(random.uniform(0.3, 1), 1, page.shape[1]) * 230
    noise = random.normal(0, random.uniform(0, 12), page.shape)
    return np.clip(light * (1 - 0.8 * page / 255) + noise, 0, 255).astype(np.uint8)


def _marks(digits: mnist.Digits, seed: int) -> Pixels:
    """Lines, boxes and blobs of any strength: what frames, sheets and textures are made of."""
    del digits
    random = np.random.default_rng([seed, 4])
    height, width = (int(random.integers(20, 400)) for _ in range(2))
    page = np.full((height, width), random.integers(120, 256), np.float64)
    for _ in range(int(random.integers(1, 30))):
        top, left = int(random.integers(height)), int(random.integers(width))
        down, across = ((3, 150), (150, 3), (60, 60), (12, 12))[random.integers(4)]
        bottom, right = top + int(random.integers(1, down + 1)), left + int(random.integers(1, across + 1))
        page[top:bottom, left:right] = random.integers(0, 256)
        if random.random() < 0.3:
            page[top + 2 : bottom - 2, left + 2 : right - 2] = random.integers(120, 256)
    noise = random.normal(0, random.choice([0, 0, 1, 8]), page.shape)
    return np.clip(page + noise, 0, 255).astype(np.uint8)


def _texture(digits: mnist.Digits, seed: int) -> Pixels:
    """Boxes side by side or in each other, with dots in them or not: about as many as are looked at, or more."""
    del digits
    random = np.random.default_rng([seed, 14])
    page = np.full((640, 640), 255, np.uint8)
    step, gap = int(random.integers(40, 72)), int(random.integers(3, 30))
    places = [(top, left, top + step, left + step) for top in range(0, 600, step) for left in range(0, 600, step)]
    if seed % 2:
        places = [(edge, edge, 640 - edge, 640 - edge) for edge in range(0, 300, gap)]
    for top, left, bottom, right in places:
        box = page[top + 4 : bottom - 1, left + 4 : right - 1]
        box[[0, -1]] = box[:, [0, -1]] = 0
    if seed % 4 > 1:
        page[3 : (640, 300)[seed // 4 % 2] : 2, 3:-3:2] = 0
    return page


def _noise(digits: mnist.Digits, seed: int) -> Pixels:
    del digits
    random = np.random.default_rng([seed, 5])
    shape = tuple(int(side) for side in random.integers(4, 300, 2))
    spread = random.choice([2, 10, 40, 90])
    return np.clip(random.normal(random.uniform(20, 235), spread, shape), 0, 255).astype(np.uint8)


def _blank(digits: mnist.Digits, seed: int) -> Pixels:
    del digits
    random = np.random.default_rng([seed, 6])
    page = np.full(random.integers(1, 200, 2), random.integers(256), np.uint8)
    if random.random() < 0.5:  # but for one pixel
        page[tuple(random.integers(page.shape))] = random.integers(256)
    return page


def _tiny(digits: mnist.Digits, seed: int) -> Pixels:
    random = np.random.default_rng([seed, 7])
    size = (int(random.integers(1, 24)), int(random.integers(1, 24)))
    kind = (Image.Resampling.BOX, Image.Resampling.NEAREST)[random.integers(2)]
    small = np.asarray(Image.fromarray(digits.images[random.integers(len(digits))]).resize(size, kind))
    return np.invert(small) if random.random() < 0.5 else small


def _thin(digits: mnist.Digits, seed: int) -> Pixels:
    random = np.random.default_rng([seed, 8])
    side = int(random.integers(4, 40))
    page = np.full((side, int(side * random.uniform(20, 101))), 250, np.uint8)
    for _ in range(int(random.integers(0, 12))):
        size = (int(random.integers(3, 30)), side)
        digit = np.asarray(Image.fromarray(digits.images[random.integers(len(digits))]).resize(size))
        left = int(random.integers(page.shape[1] - size[0]))
        page[:, left : left + size[0]] = np.minimum(page[:, left : left + size[0]], 255 - digit)
    return np.ascontiguousarray(page.T) if random.random() < 0.5 else page


def _thick(digits: mnist.Digits, seed: int) -> Pixels:
    """Digits of a thick felt pen, of any size."""
    random = np.random.default_rng([seed, 14])
    digit = Image.fromarray(np.pad(digits.images[random.integers(len(digits))], 4))
    fine = digit.resize((144, 144)).filter(ImageFilter.MaxFilter(2 * int(random.integers(5, 13)) + 1))
    size = (int(random.integers(16, 300)), int(random.integers(16, 300)))
    return np.invert(np.asarray(fine.resize(size)))


def _huge(digits: mnist.Digits, seed: int) -> Pixels:
    """Long ones, and those around the size at which pictures are averaged down; plain, noisy, or noise alone."""
    shapes = ((200, 20_000), (20_000, 200), (4, 400), (400, 4), (5, 1_025), (1_025, 5), (1_024, 1_025), (41, 4_100))
    random = np.random.default_rng([seed, 12])
    height, width = shapes[seed % len(shapes)]
    page, side = np.full((height, width), 240, np.uint8), min(height, width, 400)
    for _ in range(8):
        digit = np.asarray(Image.fromarray(digits.images[random.integers(len(digits))]).resize((side, side)))
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        target = page[top : top + side, left : left + side]
        np.minimum(target, 255 - digit, out=target)
    noise = (0, 9, 90)[seed // len(shapes) % 3]
    return np.clip(page + random.normal(0, noise, page.shape), 0, 255).astype(np.uint8)


def _colours(digits: mnist.Digits, seed: int) -> Pixels:
    """Small pictures of random colours."""
    del digits
    random = np.random.default_rng([seed, 13])
    return random.integers(0, 256, (*random.integers(1, 130, 2), 3)).astype(np.uint8)


def _transparent(digits: mnist.Digits, seed: int) -> Pixels:
    random = np.random.default_rng([seed, 9])
    grey = _scaled(digits, seed)
    tint = random.integers(0, 256, 3)
    colour = np.clip(grey[..., None] * random.uniform(0.2, 1) + tint * random.uniform(0, 0.4), 0, 255)
    opacity = grey if random.random() < 0.5 else np.where(random.random(grey.shape) < 0.1, 0, 255)
    opacity = opacity.copy()
    opacity[0, 0] = 254
    return np.concatenate([colour, opacity[..., None]], axis=2).astype(np.uint8)


def _hues(digits: mnist.Digits, seed: int) -> Pixels:
    """Two hues of nearly the same grey, of any size, with little noise."""
    random = np.random.default_rng([seed, 10])
    size = (int(random.integers(90, 300)), int(random.integers(90, 900)))
    size = (size[1], size[0]) if random.random() < 0.3 else size
    cover = np.asarray(Image.fromarray(digits.images[random.integers(len(digits))]).resize(size), np.float64) / 255
    one, other = random.uniform(30, 220, (2, 3))
    weights = np.array([0.299, 0.587, 0.114])
    other = np.clip(other * (one @ weights) / (other @ weights), 0, 255)
    picture = one + (other - one) * cover[..., None] + random.normal(0, random.uniform(0, 5), (*cover.shape, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _fuzz(digits: mnist.Digits, seed: int) -> Pixels:
    """A small picture of anything: shades, blocks, lines and digits' parts, of few levels or many."""
    random = np.random.default_rng([seed, 11])
    shape = tuple(int(side) for side in random.integers(1, 72, 2))
    coarse = random.integers(0, 256, [max(1, side // int(random.integers(1, 12))) for side in shape])
    kind = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR)[random.integers(2)]
    page = np.asarray(Image.fromarray(coarse.astype(np.uint8)).resize((shape[1], shape[0]), kind)).astype(np.float64)
    if random.random() < 0.6:
        page = np.where(page > random.integers(60, 250), random.integers(256), random.integers(256))
    if random.random() < 0.4:
        part = digits.images[random.integers(len(digits))][: shape[0], : shape[1]]
        page[: part.shape[0], : part.shape[1]] = part
    page = page + random.normal(0, random.choice([0, 0, 3, 20]), shape)
    return np.clip(page, 0, 255).astype(np.uint8)


KINDS: dict[str, tuple[int, Make]] = {
    **{f"{set_} {kind}": (SHARES.get(set_, 40), _made(set_, kind)) for set_ in SETS for kind in module_of(set_)[0]},
    "photographs": (160, _photograph), "turned": (60, _turned), "large": (30, _large), "scaled": (200, _scaled),
    "pages": (150, _page), "marks": (200, _marks), "textures": (16, _texture), "noise": (80, _noise),
    "blank": (40, _blank), "tiny": (200, _tiny), "thin": (60, _thin), "thick": (120, _thick), "huge": (24, _huge),
    "colours": (40, _colours), "transparent": (80, _transparent), "hues": (120, _hues), "fuzz": (4_000, _fuzz),
}  # fmt: skip


def campaign(digits: mnist.Digits, seed: int, scale: float, kinds: Sequence[str] = ()) -> Iterator[Case]:
    """Yield so many pictures of each kind, at least one, or of these kinds alone."""
    for kind, (count, make) in KINDS.items():
        if kinds and kind not in kinds:
            continue
        for k in range(max(1, round(scale * count))):
            yield Case(kind, str(seed + k), make(digits, seed + k))
