"""Labels: what a file of them may hold, and what it is told when it holds something else."""

from pathlib import Path

import pytest

from digitrec_edge.errors import InputError
from digitrec_edge.labels import DIGITS, noun, read_labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (b"a\nb\n", ("a", "b")),
        (b"\xef\xbb\xbfyes\r\nno\r\n\r\n", ("yes", "no")),
        ("ä\nß and more\n".encode(), ("ä", "ß and more")),
        ("\n".join(map(str, range(1000))).encode(), tuple(map(str, range(1000)))),
    ],
)
def test_a_label_a_line(text: bytes, labels: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text)
    assert read_labels(path) == labels


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a\n", "there are 1 labels, 2 to 1,000 are allowed"),
        ("\n".join(map(str, range(1001))).encode(), "there are 1,001 labels"),
        (b"a\n\nb\n", "label 1 is '', 1 to 64 printable characters are allowed"),
        (b"a\n\x1b[31mb\n", r"label 1 is '\\x1b\[31mb'"),
        (b"a\n" + b"b" * 65, "label 1 is 'b+', 1 to 64"),
        (b"a\nb\na\n", "label 'a' is there twice"),
        (b"a\n\xff\n", "utf-8"),
        (b"", "is empty"),
    ],
)
def test_what_holds_none_is_refused_with_the_reason(text: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text)
    with pytest.raises(InputError, match=reason) as error:
        read_labels(path)
    assert str(path) in str(error.value)


def test_digits_are_called_so_and_others_labels() -> None:
    assert (noun(DIGITS), noun(list(DIGITS)), noun(("a", "b"))) == ("digit", "digit", "label")
