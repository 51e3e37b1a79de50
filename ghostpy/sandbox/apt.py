"""Debian packages unpacked beside the system, through a private view of the machine's own apt sources.

Nothing is installed, and no state of the machine's package manager is touched or asked for: the view has
its own lists, its own archives and an empty record of installed packages, so that apt picks every library
down to libc. The programs then run through the loader and the libraries that came with them, which lets a
server of one suite run on the system of another.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from ghostpy.sandbox import account, cache, commands
from ghostpy.sandbox.errors import SandboxError

_ETC = Path("/etc/apt")
_KEYRINGS = Path("/usr/share/keyrings")
_KEYRING_NAME = "debian-archive-keyring"

_WRAPPER = """#!/bin/sh
# Runs the program beside this file with the loader and the libraries it was built against.
here=$(dirname "$(readlink -f "$0")")
root=$here/{up}
exec "$root/{loader}" --library-path "{libraries}" --argv0 "$here/{name}" "$here/.{name}.real" "$@"
"""


class Source(Struct, frozen=True):
    """One entry of the machine's apt sources."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def unpacked(suite: str, packages: Sequence[str], programs: Sequence[str]) -> Path:
    """Return a folder with `packages` of `suite` and all they depend on, from the cache or unpacked now.

    `programs` (paths in the folder) are made runnable where they are.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise SandboxError("this machine has no apt")

    def build(folder: Path) -> None:
        for archive in _download(folder, suite, packages):
            commands.run(["dpkg-deb", "-x", str(archive), str(folder)], account.ourselves())
        shutil.rmtree(folder / ".apt")
        for program in programs:
            _wrap(folder, program)

    return cache.kept(f"debian-{suite}-{packages[0]}", build)


def _download(folder: Path, suite: str, packages: Sequence[str]) -> list[Path]:
    view = _View(folder / ".apt", suite)
    try:
        archives = view.download(packages)
    except SandboxError:  # a rolling suite may move between the two steps: once more, with fresh lists
        archives = view.download(packages)
    return archives


class _View:
    """A private apt: one source line, and folders of its own."""

    def __init__(self, folder: Path, suite: str) -> None:
        self._archives = folder / "archives"
        lists = folder / "lists"
        for each in (self._archives / "partial", lists / "partial"):
            each.mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(source_line(suite))
        self._options = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::Lists": lists,
            "Dir::State::status": folder / "status",
            "Dir::State::extended_states": folder / "extended_states",
            "Dir::Cache": folder,
            "Dir::Cache::archives": self._archives,
            "Dir::Log": folder,
            "APT::Default-Release": "",
            "APT::Sandbox::User": "",  # the download user cannot write to folders of ours
            "APT::Get::List-Cleanup": "false",
            "Acquire::Check-Valid-Until": "false",  # signed all the same; a frozen mirror's lists do expire
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }

    def download(self, packages: Sequence[str]) -> list[Path]:
        self._apt("update")
        self._apt("install", "-y", "--no-install-recommends", "--download-only", *packages)
        return sorted(self._archives.glob("*.deb"))

    def _apt(self, *arguments: str) -> None:
        options = [part for name, value in self._options.items() for part in ("-o", f"{name}={value}")]
        commands.run(["apt-get", "-q", *options, *arguments], account.ourselves())


def source_line(suite: str, *, etc: Path = _ETC, own_suite: str | None = None) -> str:
    """Return the source of `suite` in apt's one-line format: where the machine has its own suite from."""
    source = _main_source(etc, own_suite or _own_suite())
    if source is None:
        raise SandboxError("apt has no Debian source on this machine")
    keyring = _keyring(source)
    signed = f"[signed-by={keyring}] " if keyring else ""
    return "".join(f"deb {signed}{uri} {suite} main\n" for uri in source.uris)


def _keyring(source: Source) -> str:
    if source.signed_by.startswith("/"):
        return source.signed_by.split()[0]
    known = sorted(_KEYRINGS.glob(f"{_KEYRING_NAME}.*"))
    return str(known[0]) if known else ""


def _main_source(etc: Path, own_suite: str) -> Source | None:
    """Return the source of the machine's own suite, not of its security fixes, nor of anyone else."""
    suites = {own_suite, "stable", "testing", "unstable", "sid"}
    sources = [each for each in _sources(etc) if "main" in each.components]
    fitting = [each for each in sources if suites.intersection(each.suites)]
    fitting.sort(key=lambda each: _KEYRING_NAME not in each.signed_by)
    return fitting[0] if fitting else None


def _own_suite() -> str:
    """Return the code name of the machine's own Debian, e.g. `bookworm`."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    found = re.search(r'^VERSION_CODENAME="?(\w+)"?$', text, re.MULTILINE)
    return found[1] if found else ""


def _sources(etc: Path) -> Iterator[Source]:
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        yield from parse_deb822(path.read_text())
    for path in (etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))):
        if path.exists():
            yield from parse_lines(path.read_text())


def parse_deb822(text: str) -> Iterator[Source]:
    """Read the format of `.sources` files: paragraphs of fields, whose values may go on in indented lines."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        for field in re.finditer(r"^([\w-]+):(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE):
            fields[field[1].lower()] = field[2].strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        yield Source(
            uris=tuple(fields.get("uris", "").split()),
            suites=tuple(fields.get("suites", "").split()),
            components=tuple(fields.get("components", "").split()),
            signed_by=fields.get("signed-by", ""),
        )


def parse_lines(text: str) -> Iterator[Source]:
    """Read the one-line format: `deb [options] URI suite component…`."""
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if found:
            options = dict(option.split("=", 1) for option in (found[1] or "").split() if "=" in option)
            yield Source((found[2],), (found[3],), tuple(found[4].split()), options.get("signed-by", ""))


def _wrap(root: Path, program: str) -> None:
    """Put a small script in a program's place, which starts it through its own loader."""
    path = root / program
    loaders = sorted(
        each for pattern in ("usr/lib/*/ld-linux*.so.*", "lib/*/ld-linux*.so.*") for each in root.glob(pattern)
    )
    if not path.exists() or not loaders:
        raise SandboxError(f"{program} or its loader is missing among the unpacked packages")
    triplet = loaders[0].parent.name
    folders = [each for each in (f"usr/lib/{triplet}", f"lib/{triplet}", "usr/lib") if (root / each).is_dir()]
    path.rename(path.with_name(f".{path.name}.real"))
    path.write_text(
        _WRAPPER.format(
            up="/".join(".." for _ in Path(program).parent.parts),
            loader=loaders[0].relative_to(root),
            libraries=":".join(f"$root/{each}" for each in folders),
            name=path.name,
        )
    )
    path.chmod(0o755)
