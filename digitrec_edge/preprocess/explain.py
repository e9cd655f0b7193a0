"""A strip of all stages from the picture to the probabilities, to see at which one a reading went wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge.labels import DIGITS
from digitrec_edge.preprocess.components import Box
from digitrec_edge.preprocess.foreground import Foreground
from digitrec_edge.preprocess.stages import Stages
from digitrec_edge.quantization import PIXEL_MAX, SIDE

TILE_PX = 224
CAPTION_PX = 16
TILES_PER_ROW = 6
BARS = 10
_MARGIN_PX = 8
_BACK, _TEXT, _BAR, _BEST, _BOX = (255, 255, 255), (30, 30, 30), (150, 165, 185), (30, 90, 200), (220, 40, 40)


def draw_strip(
    stages: Stages,
    probabilities: Sequence[NDArray[np.float32]],
    labels: Sequence[str] = DIGITS,
    accepted: Sequence[bool] = (),
) -> Image.Image:
    """Draw every stage that was reached: the picture, its background, foreground and components, and the digits.

    Args:
        stages: of one picture.
        probabilities: ``(10,)`` for every digit of the picture, in its order; each is drawn as bars, the likeliest
            ``BARS`` of them where there are more.
        labels: of the probabilities.
        accepted: for every digit whether it is one; none given are all.
    """
    boxes = [digit.box for digit in stages.found]
    tiles = [("picture", _picture_tile(stages.grey, _reduced(boxes, stages.reduction)))]
    if stages.repaired is not None:
        tiles.append(("repaired", _picture_tile(stages.repaired, [])))
    if stages.foreground:
        shown = [] if any(stages.corner) else boxes
        reduction = stages.foreground.reduction * stages.reduced * stages.reduction
        tiles += _foreground_tiles(stages.foreground, _reduced(shown, reduction))
    if stages.cleaned:
        tiles.append(
            ("without frames", _picture_tile(np.where(stages.cleaned.mask, PIXEL_MAX, 0).astype(np.uint8), []))
        )
    for k, (digit, row) in enumerate(zip(stages.found, probabilities, strict=True)):
        large = Image.fromarray(digit.image).resize((TILE_PX, TILE_PX), Image.Resampling.NEAREST)
        tiles += [
            (f"{SIDE} x {SIDE}", large.convert("RGB")),
            (_caption(row, labels, not accepted or accepted[k]), _bars(row, labels)),
        ]
    return _lay_out(tiles)


def _caption(probabilities: NDArray[np.float32], labels: Sequence[str], accepted: bool) -> str:
    likeliest = labels[int(probabilities.argmax())]
    return f"{likeliest}: {float(probabilities.max()):.1%}" if accepted else f"no digit (most like {likeliest})"


def _reduced(boxes: Sequence[Box], reduction: int) -> list[Box]:
    return [Box(*(edge // reduction for edge in (box.top, box.left, box.bottom, box.right))) for box in boxes]


def _foreground_tiles(foreground: Foreground, boxes: Sequence[Box]) -> list[tuple[str, Image.Image]]:
    return [
        ("background", _picture_tile(np.clip(foreground.background, 0, PIXEL_MAX).astype(np.uint8), [])),
        ("foreground", _picture_tile(np.rint(PIXEL_MAX * foreground.strength).astype(np.uint8), [])),
        ("components", _picture_tile(np.where(foreground.mask, PIXEL_MAX, 0).astype(np.uint8), boxes)),
    ]


def _picture_tile(plane: NDArray[np.uint8], boxes: Sequence[Box]) -> Image.Image:
    height, width = plane.shape
    scale = TILE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kind = Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST
    scaled = Image.fromarray(plane).resize(size, kind).convert("RGB")
    draw = ImageDraw.Draw(scaled)
    for box in boxes:
        corners = (box.left * scale - 1, box.top * scale - 1, box.right * scale, box.bottom * scale)
        draw.rectangle(corners, outline=_BOX)
    tile = Image.new("RGB", (TILE_PX, TILE_PX), _BACK)
    tile.paste(scaled, ((TILE_PX - size[0]) // 2, (TILE_PX - size[1]) // 2))
    return tile


def _bars(probabilities: NDArray[np.float32], labels: Sequence[str]) -> Image.Image:
    tile = Image.new("RGB", (TILE_PX, TILE_PX), _BACK)
    draw = ImageDraw.Draw(tile)
    likeliest = np.argsort(-probabilities, kind="stable")[:BARS]
    shown = np.sort(likeliest) if len(probabilities) <= BARS else likeliest
    step = TILE_PX / len(shown)
    left = 10 + min(TILE_PX // 2, 6 * max(len(label) for label in labels))
    for k, place in enumerate(shown):
        top, probability = round(k * step), probabilities[place]
        colour = _BEST if place == likeliest[0] else _BAR
        draw.text((2, top + step / 2 - 6), labels[place], fill=_TEXT)
        length = round((TILE_PX - left - 4) * float(probability))
        draw.rectangle((left, top + 3, left + length, round(top + step) - 4), fill=colour)
    return tile


def _lay_out(tiles: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    columns = min(TILES_PER_ROW, len(tiles))
    rows = -(-len(tiles) // columns)
    across, down = TILE_PX + _MARGIN_PX, TILE_PX + CAPTION_PX + _MARGIN_PX
    strip = Image.new("RGB", (columns * across + _MARGIN_PX, rows * down + _MARGIN_PX), _BACK)
    draw = ImageDraw.Draw(strip)
    for k, (caption, tile) in enumerate(tiles):
        left, top = _MARGIN_PX + k % columns * across, _MARGIN_PX + k // columns * down
        draw.text((left, top), caption, fill=_TEXT)
        strip.paste(tile, (left, top + CAPTION_PX))
        draw.rectangle((left - 1, top + CAPTION_PX - 1, left + TILE_PX, top + CAPTION_PX + TILE_PX), outline=_BAR)
    return strip
