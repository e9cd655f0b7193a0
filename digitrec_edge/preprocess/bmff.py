"""AVIF and HEIC: pictures in ISO base media files, told apart by their brands, decoded where a decoder is."""

from PIL import Image, __version__

from digitrec_edge.errors import PictureError
from digitrec_edge.pip_lines import install, install_extra

AVIF, HEIC = "AVIF", "HEIC"
SUFFIXES = (".avif", ".heic", ".heif")

DECODER_BYTES = 6
"""Per pixel, that their decoders hold beside the picture in colour and in grey: measured are 3.4 of HEIC, 8 and 10 bits
deep, and 4.6 of AVIF, with 12 million pixels."""

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"), HEIC),
}
_HEAD_BYTES = 256


def kind_of(data: bytes) -> str | None:
    """Return ``AVIF`` or ``HEIC``, by the major brand or else the first known one (ISO/IEC 14496-12)."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), len(data), _HEAD_BYTES)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]
    specific = [brand for brand in brands if brand not in (b"mif1", b"msf1")]
    return next((_BRANDS[brand] for brand in (*specific, *brands) if brand in _BRANDS), None)


def decoder(kind: str, name: str) -> str:
    """Return what Pillow calls the format, its decoder being loaded.

    Raises:
        PictureError: there is none here; says what to install, or to do instead.
    """
    if kind == AVIF:
        from PIL import features

        if "avif" not in features.modules or not features.check("avif"):
            raise PictureError(
                f"{name} is an AVIF picture, which Pillow {__version__} does not read here: "
                f"{install('pillow>=11.3', upgrade=True)}, or save it as JPEG"
            )
        Image.init()
        return "AVIF"
    try:
        import pillow_heif
    except ImportError:
        raise PictureError(
            f"{name} is an HEIC picture, as iPhones take them: {install_extra('heif')}, or save it as JPEG"
        ) from None
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return "HEIF"
