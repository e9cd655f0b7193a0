"""Only a collection is opened as one, whole and of a version that is known."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from digitrec_edge.collection import Collection, schema
from digitrec_edge.errors import CollectionError, OutputError
from digitrec_edge.files import locked
from tests.collected import kept

DATA = Path(__file__).parent / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "collection.sqlite"
    with Collection(path) as collection:
        collection.keep_all([kept(k) for k in range(100)])
    return path


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()


def test_every_commit_is_synced_and_pages_can_be_given_back(file: Path) -> None:
    with Collection(file) as collection:
        database = collection._database
        found = {
            name: database.one(f"PRAGMA {name}")[0]
            for name in ("journal_mode", "synchronous", "auto_vacuum", "trusted_schema", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2, "trusted_schema": 0, "foreign_keys": 1}


@pytest.mark.parametrize("version", range(1, max(schema.STEPS) + 1))
def test_a_file_of_each_version_stays_readable(version: int, tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    shutil.copy(DATA / f"collection-{version}.sqlite", path)
    with Collection(path) as collection:
        collection.check()
        assert [(item.digit, item.correction and item.correction.digit) for item in collection.items()] == [
            (7, None), (None, None), (7, 3),
        ]  # fmt: skip
        assert collection.picture(collection.items()[0].id) == b"picture 2"


def test_an_older_version_is_brought_to_the_newest_with_all_that_is_in_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max(schema.STEPS)
    added = ("ALTER TABLE items ADD COLUMN note TEXT", "CREATE TABLE more (x INTEGER) STRICT")
    monkeypatch.setitem(schema.STEPS, newest + 1, added)
    for _ in range(2):
        with Collection(file) as collection:
            assert collection._database.one("PRAGMA user_version") == (newest + 1,)
            assert collection._database.one("SELECT count(*), count(note) FROM items") == (100, 0)
    monkeypatch.delitem(schema.STEPS, newest + 1)
    with pytest.raises(CollectionError, match=rf"newer digitrec-edge \(collection version {newest + 1}\): update"):
        Collection(file)


def test_a_missing_file_is_made_only_when_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="no such collection"):
        Collection(tmp_path / "none.sqlite", create=False)
    assert not list(tmp_path.iterdir())


def test_what_is_no_collection_is_refused_in_one_line_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("hello\n" * 1000)
    (tmp_path / "folder").mkdir()
    execute(tmp_path / "other", "CREATE TABLE t (x)")
    for name in ("empty", "text", "folder", "other"):
        before = (tmp_path / name).read_bytes() if name != "folder" else b""
        with pytest.raises(CollectionError, match=r"^[^\n]*(is not a collection|is no file)[^\n]*$"):
            Collection(tmp_path / name)
        assert name == "folder" or (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM items; END",
        "CREATE VIEW v AS SELECT 1", "ALTER TABLE items ADD COLUMN extra TEXT", "DROP INDEX items_picture",
        "PRAGMA application_id = 1", "PRAGMA user_version = 0",
    ],
)  # fmt: skip
def test_tables_that_somebody_changed_are_refused(statement: str, file: Path) -> None:
    execute(file, statement)
    with pytest.raises(CollectionError, match="is not a collection"):
        Collection(file)


def test_damage_is_told_in_one_line_wherever_it_is(file: Path) -> None:
    whole = file.read_bytes()
    seen = set()
    for start in range(0, len(whole), 1024):
        file.write_bytes(whole[:start] + b"\xa5" * 512 + whole[start + 512 :])
        try:
            with Collection(file, create=False) as collection:
                collection.check()
                assert [len(collection.picture(item.id)) for item in collection.everything()]
            seen.add("unseen")  # within the content of a picture or an image, or where nothing is
        except CollectionError as error:
            assert "\n" not in str(error)
            seen.add("refused")
        for path in file.parent.glob("collection.sqlite-*"):
            path.unlink()
    assert "refused" in seen


def test_a_file_cut_short_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for size in (10, 100, 4096, len(whole) // 2, len(whole) - 4096):
        file.write_bytes(whole[:size])
        with pytest.raises(CollectionError, match=r"^[^\n]*$"), Collection(file) as collection:
            collection.check()


def test_where_nothing_can_be_written_a_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        Collection(tmp_path / "file" / "collection.sqlite")


def test_processes_that_make_it_at_once_share_it(tmp_path: Path) -> None:
    path = tmp_path / "collection.sqlite"
    code = "import sys; from tests.test_collection_schema import keep_one; keep_one(*sys.argv[1:])"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(k)], cwd=Path(__file__).parents[1])
        for k in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0] * 4
    with Collection(path) as collection:
        assert collection.counts().items == 4
    assert [found.name for found in tmp_path.iterdir()] == ["collection.sqlite"]


def test_the_log_of_a_file_that_another_process_has_just_made_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, log = tmp_path / "c.sqlite", tmp_path / "c.sqlite-wal"

    @contextmanager
    def locked(folder: Path, purpose: str, wait_s: float) -> Iterator[None]:
        """Return when the other has made it and keeps in it."""
        path.write_bytes(b"of another")
        log.write_bytes(b"its log")
        yield

    monkeypatch.setattr(schema, "locked", locked)
    schema._make(path)
    assert (path.read_bytes(), log.read_bytes()) == (b"of another", b"its log")


def test_whoever_holds_the_folder_for_long_does_not_keep_a_collection_from_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HELD_S", 0.05)
    with locked(tmp_path, "deploying to"), Collection(tmp_path / "c.sqlite") as collection:
        assert collection.counts().items == 0


def keep_one(path: str, number: str) -> None:
    """Keep a digit; runs in a process of its own."""
    with Collection(path) as collection:
        collection.keep(kept(int(number)))


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(connection: sqlite3.Connection, version: int) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(schema, "_take_steps", full)
    with pytest.raises(OutputError, match=r"^cannot write '.*c\.sqlite': database or disk is full$"):
        Collection(tmp_path / "c.sqlite")
    assert [*tmp_path.iterdir()] == []


def test_the_log_of_a_file_that_was_removed_is_not_written_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Collection(path) as collection:
        collection.keep(kept(1))
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)  # as kill -9 leaves it
    with Collection(path) as collection:
        assert collection.counts().items == 0
        assert sorted(tmp_path.glob(".*")) == []


def test_a_place_where_no_log_can_be_written_is_told_with_what_to_do(file: Path) -> None:
    Path(f"{file}-wal").mkdir()  # no log, as in a folder that may only be read; root may write into those
    with pytest.raises(CollectionError, match="no log can be written beside it; copy it to where you may write"):
        Collection(file, create=False)
