"""The parts of the sandbox that need no server."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ghostpy.sandbox import account, cache, workspace
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Programs, version_in
from ghostpy.sandbox.lookup import first, fits
from ghostpy.sandbox.mysql_family import flags
from ghostpy.sandbox.server import Options


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for the cache and the servers, open to everybody as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="gp-") as name:
        path = Path(name)
        path.chmod(0o755)
        monkeypatch.setenv("GHOSTPY_CACHE", name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield path


def test_the_cache_builds_once(folder: Path) -> None:
    built: list[Path] = []

    def build(part: Path) -> None:
        time.sleep(0.05)
        (part / "file").write_text("whole")
        built.append(part)

    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: cache.kept("thing", build), range(4)))
    assert paths == {folder / "thing"}
    assert len(built) == 1
    assert (folder / "thing" / "file").read_text() == "whole"


def test_a_failed_build_leaves_nothing(folder: Path) -> None:
    def build(part: Path) -> None:
        (part / "file").write_text("half")
        raise SandboxError("no network")

    (folder / "thing.part-left").mkdir()  # of a builder that was killed
    with pytest.raises(SandboxError):
        cache.kept("thing", build)
    assert [path.name for path in folder.iterdir()] == ["thing.lock"]


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert cache.folder() == folder
    monkeypatch.delenv("GHOSTPY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "xdg"))
    assert cache.folder() == folder / "xdg" / "ghostpy"


def test_a_closed_folder_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    inner = folder / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # only root's servers run as somebody else
    with pytest.raises(SandboxError, match="closed is closed") as refused:
        account.require_access(inner)
    assert "GHOSTPY_CACHE" in refused.value.hint
    inner.parent.chmod(0o711)
    inner.chmod(0o755)
    account.require_access(inner)


def test_folders_left_behind_are_swept(folder: Path) -> None:
    old = time.time() - 3600
    left, used, young = (folder / f"ghostpy-mysql-{name}" for name in ("left", "used", "young"))
    for path in (left, used, young):
        path.mkdir()
        (path / "lock").touch()
    for path in (left, used):
        os.utime(path, (old, old))
    with (used / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        place = workspace.Workspace("mysql")
    assert not left.exists()
    assert used.exists()
    assert young.exists()
    assert place.path.parent == folder
    place.remove()
    assert not place.path.exists()


def named(program: Path) -> Programs:
    if program.name != "mysqld":
        raise SandboxError(f"{program} is not a MySQL server")
    return Programs("8.4.1", (program.parent,))


def test_the_first_that_fits_is_taken() -> None:
    def missing() -> None:
        return None

    def failing() -> Programs:
        raise SandboxError("no network")

    old, new = Programs("8.0.36", ()), Programs("9.7.4", ())
    ways = [("path", missing), ("archive", failing), ("old", lambda: old), ("new", lambda: new)]
    assert first("MySQL", None, ("GHOSTPY_NONE", named), ways) is old
    assert first("MySQL", "9.7", ("GHOSTPY_NONE", named), ways) is new
    with pytest.raises(SandboxError) as refused:
        first("MySQL", "8.4", ("GHOSTPY_NONE", named), ways)
    for piece in ("MySQL 8.4", "path: nothing", "archive: no network", "old: that is 8.0.36"):
        assert piece in refused.value.message


def test_a_named_program_is_taken_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = [("path", lambda: Programs("9.7.4", ()))]
    monkeypatch.setenv("GHOSTPY_NAMED", "/opt/mysqld")
    assert first("MySQL", None, ("GHOSTPY_NAMED", named), ways) == named(Path("/opt/mysqld"))
    with pytest.raises(SandboxError, match=r"GHOSTPY_NAMED=/opt/mysqld: that is 8\.4\.1"):
        first("MySQL", "9.7", ("GHOSTPY_NAMED", named), ways)
    monkeypatch.setenv("GHOSTPY_NAMED", "/opt/typo")
    with pytest.raises(SandboxError, match="/opt/typo is not a MySQL server"):
        first("MySQL", None, ("GHOSTPY_NAMED", named), ways)


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        ("9.7.4", None, True),
        ("9.7.4", "9", True),
        ("9.7.4", "9.7", True),
        ("10.11.6", "1", False),
        ("18.6", "18", True),
    ],
)
def test_series(version: str, wanted: str | None, answer: bool) -> None:
    assert fits(version, wanted) is answer


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("/opt/1.2/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4"),
        ("mariadbd  Ver 10.11.18-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", "10.11.18"),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
        ("postgres (PostgreSQL) 19beta1", "19"),
        ("who knows", ""),
    ],
)
def test_versions_are_read(line: str, version: str) -> None:
    assert version_in(line) == version


def test_flags() -> None:
    given: Options = {"log-bin": "binlog", "port": 3306, "skip-log-bin": None, "secure-file-priv": ""}
    assert flags(given) == ["--port=3306", "--skip-log-bin", "--secure-file-priv="]
