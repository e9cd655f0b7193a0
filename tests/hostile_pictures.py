"""A campaign of hostile pictures through the reader: ``python tests/hostile_pictures.py --count 10000 --seed 0``.

Half of them are good pictures of every format and mode, damaged as ``tests/fuzz.py`` damages models; half are made to
cost memory or time: headers that promise pixels, millions of segments, texts, frames, scans, runs. Each is read,
taken to grey and to digits, in a watched child.
"""

import io
import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import fuzz, watched

Random = np.random.Generator


def draw(mode: str = "RGB", size: tuple[int, int] = (96, 80), width: int = 7) -> Image.Image:
    """A seven."""
    page = Image.new("L", size, 250)
    right, bottom = size
    pen = ImageDraw.Draw(page)
    pen.line([(right // 4, bottom // 5), (right * 3 // 4, bottom // 5), (right // 2, bottom * 4 // 5)], 20, width)
    return page.convert("RGB").convert(mode) if mode in ("LAB", "P") else page.convert(mode)


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def good() -> list[bytes]:
    """Small pictures of a seven in every format, and most modes and compressions."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a digit"
    frames = [draw("P"), draw("P", width=12)]
    files = [encode(draw(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    files += [encode(draw(mode), "JPEG", exif=exif, comment=b"seven") for mode in ("L", "RGB", "CMYK")]
    files += [encode(draw(), "JPEG", progressive=True), encode(draw(), "WEBP", exif=exif)]
    files += [encode(draw("RGBA"), "WEBP", lossless=True), encode(draw("P"), "GIF", comment=b"seven")]
    files += [encode(draw(mode), "BMP") for mode in ("1", "L", "RGB")]
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"):
        files.append(encode(draw("1" if compression == "group4" else "RGB"), "TIFF", compression=compression))
    files += [encode(draw(mode), "TIFF") for mode in ("LAB", "CMYK", "F", "I")]
    files += [encode(draw(), "PPM"), encode(draw(), "TGA", compression="tga_rle")]
    files += [encode(frames[0], kind, save_all=True, append_images=frames[1:]) for kind in ("GIF", "PNG", "TIFF")]
    files += [encode(draw(), "WEBP", save_all=True, append_images=[draw(width=12)])]
    files += [encode(draw(), "MPO", save_all=True, append_images=[draw()])]
    return files


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, colour: int = 0, depth: int = 8, middle: bytes = b"", data: bytes | None = None
) -> bytes:
    """A PNG file with a header that may lie."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if data is None:
        row = 1 + (width * channels * depth + 7) // 8
        data = zlib.compress(bytes(min(row * height, 80 << 20)), 1)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + middle + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _some(random: Random, low: int, high: int) -> int:
    """A number from low to high, every order of magnitude alike."""
    return int(np.exp(random.uniform(np.log(low), np.log(high))))


def png_pixels(random: Random) -> bytes:
    """Pixels that deflate to nothing, in any mode."""
    side = _some(random, 100, 12_000)
    return png(side, _some(random, 100, 12_000), int(random.choice([0, 2, 4, 6])), int(random.choice([8, 16])))


def png_promises(random: Random) -> bytes:
    """A header that promises pixels that are not there."""
    return png(_some(random, 1000, 2**31 - 1), _some(random, 1000, 2**31 - 1), 2, data=zlib.compress(b"\0" * 999))


def png_texts(random: Random) -> bytes:
    """Compressed texts of a megabyte each, of wide characters."""
    text = "x" * 1_000_000 + "\U0001f600"
    packed = zlib.compress(text.encode())
    count = _some(random, 1, 200)
    parts = b"".join(chunk(b"iTXt", b"k%d\0\1\0\0\0" % k + packed) for k in range(count))
    good_png = encode(draw("L"), "PNG")
    place = 33 if random.integers(2) else good_png.index(b"IEND") - 4
    return good_png[:place] + parts + good_png[place:]


def png_chunks(random: Random) -> bytes:
    """Many small chunks, before the pixels, behind them, or of pixels."""
    count = _some(random, 100, 1_000_000)
    small = [chunk(b"teXt", b"a\0b"), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", b"")][random.integers(3)]
    whole = encode(draw("L"), "PNG")
    place = 33 if random.integers(2) else whole.index(b"IEND") - 4
    return whole[:place] + small * count + whole[place:]


def jpeg_segments(random: Random) -> bytes:
    """Many comments or application segments, small or large; or junk between segments."""
    whole = encode(draw(), "JPEG")
    size = _some(random, 1, 60_000)
    kind = int(random.choice([0xFE, 0xE1, 0xE2, 0xED, 0xDB, 0xC4]))
    body = struct.pack(">BBH", 255, kind, size + 2) + bytes(size)
    if random.integers(4) == 0:
        body = b"\xff" if random.integers(2) else b"\0"
    return whole[:2] + body * min(_some(random, 10, 2_000_000), (47 << 20) // len(body)) + whole[2:]


def jpeg_scans(random: Random) -> bytes:
    """A progressive JPEG of any size with the same scan again and again."""
    side = _some(random, 64, 6_000)
    whole = encode(Image.new("RGB", (side, side), (200, 90, 30)), "JPEG", progressive=True, subsampling=0)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * min(_some(random, 1, 100_000), (47 << 20) // (len(whole) - last)) + whole[-2:]


def jpeg_large(random: Random) -> bytes:
    """An honest large JPEG, plain or progressive."""
    size = (_some(random, 500, 9_000), _some(random, 500, 9_000))
    picture = draw(str(random.choice(["L", "RGB", "CMYK"])), size, 300)
    options = {"progressive": bool(random.integers(2)), "subsampling": int(random.integers(3))}
    return encode(picture, "JPEG", quality=30, **options)


def jpeg_sizes(random: Random) -> bytes:
    """A JPEG whose header promises other sizes than its data has."""
    whole = bytearray(encode(draw(), "JPEG", progressive=bool(random.integers(2))))
    place = max(whole.find(b"\xff\xc0"), whole.find(b"\xff\xc2"))
    struct.pack_into(">HH", whole, place + 5, *random.integers(1, 65536, 2))
    return bytes(whole)


def exif(random: Random) -> bytes:
    """Metadata of many tags that all hold the same bytes."""
    total = _some(random, 100, 60_000)
    count = (total - 14) // 12
    tags = b"".join(struct.pack("<HHII", tag, 7, total - 20, 8) for tag in range(1, count + 1))
    body = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", count) + tags + bytes(64)
    whole = encode(draw(), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return whole[:2] + segment * _some(random, 1, 300) + whole[2:]


def gif_blocks(random: Random) -> bytes:
    """Comments of many blocks, before or behind the frame."""
    whole = encode(draw("P"), "GIF")
    size = _some(random, 1, 255)
    blocks = (bytes([size]) + b"c" * size) * min(_some(random, 10, 4_000_000), (47 << 20) // (size + 1))
    place = whole.index(b",") if random.integers(2) else len(whole) - 1
    return whole[:place] + b"!\xfe" + blocks + b"\0" + whole[place:]


def gif_frames(random: Random) -> bytes:
    """Frames, and a first frame larger than its screen."""
    whole = bytearray(encode(draw("P"), "GIF"))
    start = whole.index(b",")
    frame = bytes(whole[start:-1])
    if random.integers(2):
        struct.pack_into("<HHHH", whole, start + 1, *random.integers(0, 65536, 4))
    return bytes(whole[:-1]) + frame * min(_some(random, 1, 100_000), (47 << 20) // len(frame)) + b";"


def tiff_directories(random: Random) -> bytes:
    """Directories in a long chain or a circle, and tags that all hold the same bytes."""
    whole = bytearray(encode(draw("L"), "TIFF"))
    place = struct.unpack_from("<I", whole, 4)[0]
    count = struct.unpack_from("<H", whole, place)[0]
    after = place + 2 + 12 * count
    if random.integers(3) == 0:
        struct.pack_into("<I", whole, after, place)
        return bytes(whole)
    struct.pack_into("<I", whole, after, len(whole))
    length = _some(random, 1, 1_000_000)
    base = len(whole)
    return bytes(whole) + b"".join(struct.pack("<HI", 0, base + 6 * (k + 1)) for k in range(length)) + bytes(6)


def tiff_tags(random: Random) -> bytes:
    """A TIFF whose sizes, tiles, strips and counts are anything."""
    compression = str(random.choice(["raw", "tiff_lzw", "tiff_deflate", "jpeg"]))
    whole = bytearray(encode(draw(), "TIFF", compression=compression))
    place = struct.unpack_from("<I", whole, 4)[0]
    count = struct.unpack_from("<H", whole, place)[0]
    for _ in range(int(random.integers(1, 4))):
        entry = place + 2 + 12 * int(random.integers(count))
        if random.integers(2):
            struct.pack_into("<I", whole, entry + 8, _some(random, 1, 2**32 - 1))
        elif random.integers(2):
            struct.pack_into("<I", whole, entry + 4, _some(random, 1, 2**32 - 1))
        else:
            struct.pack_into("<H", whole, entry, int(random.choice([256, 257, 258, 277, 278, 322, 323, 324, 325, 273])))
    return bytes(whole)


def webp_canvas(random: Random) -> bytes:
    """A small WebP of many pixels, or of a canvas that promises them."""
    if random.integers(2):
        side = _some(random, 1000, 16_383)
        whole = bytearray(encode(draw(), "WEBP", save_all=True, append_images=[draw(width=9)]))
        whole[24:30] = int(side - 1).to_bytes(3, "little") * 2
        return bytes(whole)
    blank = Image.new("RGB", (_some(random, 1000, 7_000), _some(random, 1000, 7_000)), 9)
    return encode(blank, "WEBP", method=0, quality=1)


def bmp(random: Random) -> bytes:
    """A BMP of any size, with run lengths or without."""
    width, height = _some(random, 4, 100_000), _some(random, 4, 100_000)
    runs = int(random.choice([0, 1, 2, 3]))
    bits = {0: 24, 1: 8, 2: 4, 3: 32}[runs]
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, runs, 0, 0, 0, 0, 0)
    body = bytes(1024) + bytes([1, 7]) * min(_some(random, 10, 30_000_000), 31 << 20)
    return struct.pack("<2sIHHI", b"BM", 54 + len(body), 0, 0, 54 + 1024) + head + body


def ppm(random: Random) -> bytes:
    """A PPM of any kind, plain or raw, of any depth, with comments."""
    width, height = _some(random, 4, 6_000), _some(random, 4, 6_000)
    kind, top = int(random.integers(1, 7)), int(random.choice([1, 100, 255, 1000, 65535]))
    comment = b"#" + b"c" * _some(random, 1, 10_000) + b"\n" if random.integers(2) else b""
    head = b"P%d\n%s%d %d\n" % (kind, comment, width, height) + (b"%d\n" % top if kind not in (1, 4) else b"")
    values = width * height * (3 if kind in (3, 6) else 1)
    body = b"1 " * min(values, 30 << 20) if kind < 4 else bytes(min(values * (2 if top > 255 else 1), 47 << 20))
    return head + body


def large(random: Random) -> bytes:
    """An honest picture near a limit, of noise or blank."""
    side = _some(random, 500, 3_500)
    picture = draw(str(random.choice(["L", "RGB", "RGBA"])), (side, side), side // 12)
    if random.integers(3) == 0:
        picture = Image.fromarray(random.integers(0, 256, (side // 2, side), np.uint8))
    return encode(picture, str(random.choice(["PNG", "TIFF", "WEBP"])))


def anything(random: Random) -> bytes:
    """The head of a format and then bytes by chance."""
    heads = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\xff\0\0\0WEBPVP8X", b"BM", b"II*\0", b"MM\0*"]
    heads += [b"P6 ", b""]
    return heads[random.integers(len(heads))] + random.bytes(_some(random, 1, 10_000))


HOSTILE: Sequence[Callable[[Random], bytes]] = (
    png_pixels, png_promises, png_texts, png_chunks, jpeg_segments, jpeg_scans, jpeg_large, jpeg_sizes, exif,
    gif_blocks, gif_frames, tiff_directories, tiff_tags, webp_canvas, bmp, ppm, large, anything,
)  # fmt: skip


def make(files: Sequence[bytes], seed: int, number: int) -> bytes:
    """The file of a number; even ones are damaged, odd ones made to be hostile."""
    if number < 0:
        return files[0]
    if number % 2 == 0:
        return fuzz.mutate(files[number // 2 % len(files)], seed, number)
    return HOSTILE[number // 2 % len(HOSTILE)](np.random.default_rng([seed, number]))


def work(seed: int) -> None:
    """The child."""
    from digitrec_edge.errors import PictureError
    from digitrec_edge.preprocess import read_stages, reading

    files = good()

    def prepare(number: int) -> bytes:
        return make(files, seed, number)

    def attempt(data: bytes) -> str:
        picture = reading.open_picture(data, "picture")
        stages = read_stages(picture.grey, picture.reduction)
        if data == files[0]:
            stages.single()
            return "same"
        return "read"

    watched.serve(prepare, attempt, (PictureError,))


if __name__ == "__main__":
    sys.exit(watched.main("pictures", __file__, work, __doc__ or "", 10_000))
