"""Where the sockets of the runs on this host are."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from ghostpy.errors import UsageError

FOLDER_VARIABLE = "GHOSTPY_SOCKETS_FOLDER"
_LONGEST = 100
"""Bytes of a path; the system takes 107 for a socket."""
_ALIVE_WITHIN = 1.0
_MADE_WITHIN = 10.0


class Place(Struct, frozen=True):
    """A socket; `table`, `database` and `server` as far as they are known. `alive`: somebody answers there."""

    path: Path
    table: str
    alive: bool
    database: str = ""
    server: str = ""

    def is_of(self, table: str, database: str, server: str) -> bool:
        """Whether it is a run's on this table, with or without its schema, in this database of this server; what is empty is not asked for."""
        of_table = not table or self.table == table or self.table.endswith(f".{table}")
        of_database = self.database == database if self.database else self.table.startswith(f"{database}.")
        return of_table and (not database or of_database) and (not server or self.server == server)


def sockets_folder() -> Path:
    """Where gh-ost puts them, unless the environment names another folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or "/tmp")


def default_place(database: str, table: str) -> Path:
    """gh-ost's scheme."""
    name = f"gh-ost.{database}.{table}".replace("/", "_").replace("\0", "_")
    folder = sockets_folder()
    path = f"{folder}/{name}.sock"
    if len(os.fsencode(path)) > _LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        kept = max(0, _LONGEST - len(os.fsencode(f"{folder}/.{digest}.sock")))
        path = f"{folder}/{os.fsencode(name)[: min(60, kept)].decode(errors='ignore')}.{digest}.sock"
    return Path(path)


def is_alive(path: Path) -> bool:
    """Whether a process listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ALIVE_WITHIN)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def free_place(path: Path, *, chosen: bool, drop: bool) -> Path:
    """A path at which a socket may be put: this one, or where it was not the user's choice, another beside it.

    A socket that nobody listens on is in nobody's way. Raises UsageError.
    """
    if len(os.fsencode(str(path))) > _LONGEST + 7:
        raise UsageError(f"--serve-socket-file: {path} is too long for a socket")
    if not path.parent.is_dir():
        raise UsageError(f"--serve-socket-file: there is no folder {path.parent}")
    try:
        status = path.lstat()
    except FileNotFoundError:
        return path
    ours = stat.S_ISSOCK(status.st_mode) and status.st_uid == os.getuid()
    if ours and (drop or not is_alive(path)):
        return path
    if not chosen:
        return path.with_name(f"{path.name.removesuffix('.sock')}.{os.getpid()}.sock")
    what = "a run is served there" if stat.S_ISSOCK(status.st_mode) else "there is a file that is no socket"
    raise UsageError(f"--serve-socket-file: {path}: {what}", hint="Choose another path, or remove it.")


@contextmanager
def registered(path: Path, table: str, database: str, server: str) -> Iterator[None]:
    """Others of this user find the socket, for the length of a block."""
    note = _folder() / f"{os.getpid()}.json"
    with suppress(OSError):  # it is served all the same
        _folder().mkdir(mode=0o700, exist_ok=True)
        note.write_text(json.dumps({"socket": str(path), "table": table, "database": database, "server": server}))
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink()


def all_places() -> Sequence[Place]:
    """Of this user's runs, and whatever else has a name like those; notes of processes that are gone are removed."""
    found: dict[Path, tuple[str, str, str]] = {}
    for note in sorted(_folder().glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(note.read_text())
            path = Path(told["socket"])
            if path.exists():
                found[path] = str(told["table"]), str(told.get("database", "")), str(told.get("server", ""))
            else:
                note.unlink()
    for path in sorted(sockets_folder().glob("gh-ost.*.sock")):
        found.setdefault(path, (path.name.removeprefix("gh-ost.").removesuffix(".sock"), "", ""))
    return [Place(path, table, is_alive(path), *of) for path, (table, *of) in found.items()]


def dead_places() -> Sequence[tuple[Place, float]]:
    """Sockets of this user that nobody listens on any more, though they have been there for a while; and since when they are there."""
    dead = ((place, _stale_since(place.path)) for place in all_places() if not place.alive)
    return [(place, since) for place, since in dead if since is not None]


def remove_place(path: Path) -> bool:
    """Remove a socket that nobody listens on; whether it is gone."""
    if is_alive(path) or _stale_since(path) is None:
        return False
    with suppress(FileNotFoundError):
        path.unlink()
    return True


def _stale_since(path: Path) -> float | None:
    """When it was made, where it is a socket of ours that is not just being made."""
    try:
        status = path.lstat()
    except OSError:
        return None
    ours = stat.S_ISSOCK(status.st_mode) and status.st_uid == os.getuid()
    return status.st_mtime if ours and time.time() - status.st_mtime > _MADE_WITHIN else None


def _folder() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"ghostpy-{os.getuid()}"
