"""A strip of all stages from the picture to the probabilities, to see what went wrong where."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge.preprocess.components import Box
from digitrec_edge.preprocess.picture import Picture

TILE_PX = 224
CAPTION_PX = 16
TILES_PER_ROW = 6
_MARGIN_PX = 8
_BACK, _TEXT, _BAR, _BEST, _BOX = (255, 255, 255), (30, 30, 30), (150, 165, 185), (30, 90, 200), (220, 40, 40)


def draw_strip(picture: Picture, probabilities: Sequence[NDArray[np.float32]]) -> Image.Image:
    """Draw picture, paper, ink and marks, and for every digit its 28 x 28 pixels and its probabilities as bars.

    Args:
        picture: the stages.
        probabilities: ``(10,)`` for every digit of the picture, in its order.
    """
    ink = picture.ink
    boxes = [
        Box(*(edge // ink.reduction for edge in (d.box.top, d.box.left, d.box.bottom, d.box.right)))
        for d in picture.digits
    ]
    tiles = [
        ("picture", _picture_tile(ink.grey, boxes)),
        ("paper", _picture_tile(np.clip(ink.paper, 0, 255).astype(np.uint8), [])),
        ("ink", _picture_tile(np.rint(255 * ink.strength).astype(np.uint8), [])),
        ("marks", _picture_tile(np.where(ink.mask, 255, 0).astype(np.uint8), boxes)),
    ]
    for digit, row in zip(picture.digits, probabilities, strict=True):
        large = Image.fromarray(digit.image).resize((TILE_PX, TILE_PX), Image.Resampling.NEAREST)
        tiles += [("28 x 28", large.convert("RGB")), (f"{int(row.argmax())}: {float(row.max()):.1%}", _bars(row))]
    return _lay_out(tiles)


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


def _bars(probabilities: NDArray[np.float32]) -> Image.Image:
    tile = Image.new("RGB", (TILE_PX, TILE_PX), _BACK)
    draw = ImageDraw.Draw(tile)
    step = TILE_PX / len(probabilities)
    for digit, probability in enumerate(probabilities):
        top = round(digit * step)
        colour = _BEST if digit == int(probabilities.argmax()) else _BAR
        draw.text((2, top + step / 2 - 6), str(digit), fill=_TEXT)
        length = round((TILE_PX - 20) * float(probability))
        draw.rectangle((16, top + 3, 16 + length, round(top + step) - 4), fill=colour)
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
