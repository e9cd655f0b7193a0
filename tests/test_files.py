"""Files are read whole and bounded, and written whole or not at all."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digitrec_edge.errors import DataError, OutputError
from digitrec_edge.files import (
    candidate_for,
    check_writable,
    locked,
    make_folder,
    read_file,
    readable,
    replacing,
    scratch_folder,
    sha256,
    write_file,
)


def read(path: Path, limit_bytes: int = 1000) -> bytes:
    return read_file(path, limit_bytes=limit_bytes, error=DataError)


def test_sha256_is_the_published_one() -> None:
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(memoryview(b"abc")) == sha256(b"abc")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.bin"
    write_file(path, b"\0\xff content")
    assert read(path) == b"\0\xff content"
    assert os.listdir(path.parent) == ["file.bin"]


def test_a_file_as_large_as_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read(path, 5) == b"12345"
    with pytest.raises(DataError, match="is 5 bytes; at most 4 are read"):
        read(path, 4)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file: .*absent"):
        read(tmp_path / "absent")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match=r"is empty \(0 bytes\)"):
        read(tmp_path / "empty")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory, not a file"):
        read(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    raised: list[DataError] = []

    def attempt() -> None:
        try:
            read(pipe)
        except DataError as error:
            raised.append(error)

    reader = threading.Thread(target=attempt, daemon=True)
    reader.start()
    reader.join(60)
    assert not reader.is_alive(), "reading the pipe waits for a writer"
    assert "pipe or a device" in str(raised[0])


def test_a_device_is_refused() -> None:
    with pytest.raises(DataError, match="pipe or a device"):
        read(Path("/dev/zero"))


def test_a_file_without_permission_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret"
        path.write_bytes(b"content")
        path.chmod(0)
        with without_root(), pytest.raises(DataError, match="no permission to read"):
            read(path)


def test_a_folder_without_permission_is_not_written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        with without_root(), pytest.raises(OutputError, match="cannot write .*: Permission denied"):
            write_file(Path(folder) / "file", b"content")


@contextmanager
def without_root() -> Iterator[None]:
    """Root may read and write everything: be the user nobody inside the block, where tests run as root."""
    user = os.geteuid()
    if user == 0:
        try:
            os.seteuid(65534)
        except OSError:
            pytest.skip("root is the only user here")
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0inside"])
def test_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read(tmp_path / name)


def test_an_interrupted_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_bytes(b"half of the n")
        assert path.read_bytes() == b"old"
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_the_new_file_comes_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path, "a rename is atomic only within one folder"
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old old old")
    with path.open("rb") as reader:
        write_file(path, b"new")
        assert reader.read() == b"old old old"
    assert path.read_bytes() == b"new"


def test_a_written_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_file(tmp_path / "file", b"content")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["folder", "file/below", "/proc/no/such"])
def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(OutputError, match="cannot write .*: "):
        write_file(tmp_path / target, b"new")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_a_full_disk_is_one_clear_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="cannot write .*: No space left on device"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_place_of_a_file_and_the_other_way_round_are_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a folder"):
        write_file(tmp_path / "..", b"new")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="it is a file, and a folder is needed"):
        make_folder(tmp_path / "file")


def test_a_name_that_is_no_utf_8_is_made_readable() -> None:
    assert readable(os.fsdecode(b"caf\xe9.png")) == "caf\\xe9.png"
    assert readable(Path("caf\u00e9.png")) == "caf\u00e9.png"


@pytest.mark.parametrize("target", ["folder", "file/below", "/proc/no/such"])
def test_whether_a_place_can_be_written_is_known_beforehand(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(OutputError, match="cannot write"):
        check_writable(tmp_path / target)
    check_writable(tmp_path / "file")
    check_writable(tmp_path / "new" / "file")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert os.listdir(tmp_path / "new") == []


def test_a_link_stays_and_its_target_is_replaced_with_owner_and_mode_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "there" / "real.json", tmp_path / "link.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o604)
    with contextlib.suppress(OSError):  # only root gives files away, and not where it is the only user
        os.chown(target, 1234, 4321)
    before = target.stat()
    link.symlink_to(target)
    check_writable(link)
    write_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    after = target.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert os.listdir(target.parent) == ["real.json"]


def test_a_link_to_nowhere_makes_the_file_that_it_leads_to(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "new" / "file")
    write_file(link, b"content")
    assert link.is_symlink()
    assert (tmp_path / "new" / "file").read_bytes() == b"content"


def test_a_circle_of_links_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OutputError, match="cannot write"):
        write_file(tmp_path / "a", b"content")


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    check_writable(pipe)
    write_file(pipe, b"through the pipe")
    reader.join(60)
    assert received == [b"through the pipe"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_into_and_stays_one(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("only root makes device nodes, and not everywhere")
    check_writable(device)
    write_file(device, b"content")
    assert stat.S_ISCHR(device.stat().st_mode)
    link = tmp_path / "link"
    link.symlink_to(device)
    write_file(link, b"content")
    assert link.is_symlink()
    assert stat.S_ISCHR(device.stat().st_mode)


def test_standard_output_may_be_named_as_a_file(tmp_path: Path) -> None:
    code = (
        "from digitrec_edge.files import write_file; print('before', flush=True); write_file('/dev/stdout', b'content')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"before\ncontent"
    with (tmp_path / "out").open("wb") as stream:
        subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)
    assert (tmp_path / "out").read_bytes() == b"before\ncontent"


def test_a_full_device_is_one_clear_error() -> None:
    with pytest.raises(OutputError, match="cannot write '/dev/full': No space left on device"):
        write_file("/dev/full", b"content")


def test_what_a_killed_writer_left_is_removed_by_the_next_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    code = (
        "import os, sys; from digitrec_edge.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    (left,) = os.listdir(tmp_path)
    kept = [".model-otherhost-1-abc.keras", ".model.keras", ".modelling-x-1-abc.keras"]
    for name in kept:
        (tmp_path / name).touch()
    with replacing(path) as temporary:
        assert left not in os.listdir(tmp_path)
        write_file(path, b"another write of the same process meanwhile")
        assert temporary.exists()
        temporary.write_bytes(b"whole")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "model.keras"])
    assert path.read_bytes() == b"whole"
    os.utime(tmp_path / kept[0], (0, 0))
    write_file(path, b"later")
    assert kept[0] not in os.listdir(tmp_path)


def test_a_folder_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    code = (
        "import sys; from pathlib import Path; from digitrec_edge.files import locked\n"
        "with locked(Path(sys.argv[1]), 'exporting into'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(OutputError, match="another process is exporting into .*artifacts"),
        locked(folder, "exporting into"),
    ):
        raise AssertionError("two hold it")
    holder.kill()
    holder.communicate()
    with locked(folder, "exporting into"):
        assert os.listdir(folder) == []


def test_a_scratch_folder_of_a_killed_process_is_removed_by_the_next_one(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with scratch_folder(tmp_path / "work") as folder:
            (folder / "part").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert len(list(tmp_path.iterdir())) == 1
    with scratch_folder(tmp_path / "work") as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_an_error_about_a_candidate_names_what_it_is_for_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as raised, candidate_for(tmp_path / "a.tflite") as candidate:
        assert (candidate.name, candidate.parent.parent) == ("a.tflite", tmp_path)
        raise OutputError(f"cannot write '{candidate}': No space left on device")
    assert str(raised.value) == f"cannot write '{tmp_path / 'a.tflite'}': No space left on device"
    assert not [*tmp_path.iterdir()]
    with pytest.raises(OutputError, match="cannot write '.*none/a'"), candidate_for(tmp_path / "none" / "a"):
        pass
