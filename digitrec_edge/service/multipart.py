"""The picture in the body of a request: the body itself, or the one file of a multipart form."""

from collections.abc import Callable

FORM = "multipart/form-data"
MOST_HEADERS = 8


class BodyError(Exception):
    """A body that is no form, or not one with one file; says so in one line."""


class _Form:
    """Collects the files of a form; what is no file is passed over."""

    def __init__(self) -> None:
        self.files: list[bytearray] = []
        self.ended = False
        self._name, self._value = b"", b""
        self._current: bytearray | None = None

    def begin(self) -> None:
        self._current = None

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        from python_multipart.multipart import parse_options_header

        if self._name.lower() == b"content-disposition" and b"filename" in parse_options_header(self._value)[1]:
            self._current = bytearray()
            self.files.append(self._current)
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._current is not None:
            self._current += data[start:end]

    def end(self) -> None:
        self.ended = True

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self.begin, "on_header_field": self.name, "on_header_value": self.value,
            "on_header_end": self.header, "on_part_data": self.data, "on_end": self.end,
        }  # fmt: skip


def picture_of(body: bytes, content_type: str) -> bytes:
    """Return the bytes of the picture.

    Args:
        body: of the request.
        content_type: its header; anything but a form is taken for a picture.

    Raises:
        BodyError: a form without a file, with several, or that ends too early.
    """
    if not content_type.lower().startswith(FORM):
        return body
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise BodyError(f"a body of type {FORM} needs a boundary in its Content-Type")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks(), max_header_count=MOST_HEADERS)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError as cause:
        raise BodyError(f"the form cannot be read: {' '.join(str(cause).split())[:200]}") from cause
    if not form.ended:
        raise BodyError("the form ends before its last boundary")
    if len(form.files) != 1:
        raise BodyError(f"the form has {len(form.files)} files; send one picture, as curl -F picture=@photo.jpg does")
    return bytes(form.files[0])
