"""The configuration file `ghostpy.toml`: keys are the flags' names, with other values for some runs in `[profile.NAME]`."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from ghostpy.cli.conf_file import read_small_file
from ghostpy.cli.flag import Flag, Kind, Value
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.guess import guess
from ghostpy.cli.secret_text import holds_password
from ghostpy.errors import UsageError

NAME = "ghostpy.toml"
ONE_CALL_ONLY = ("help", "version", "check-flag", "ask-pass", "config", "profile")
"""Flags that only make sense for one call of the program."""
_PROFILES = "profile"
_WANTED = {
    Kind.SWITCH: "true or false",
    Kind.WHOLE: "a whole number",
    Kind.FRACTION: "a number",
    Kind.TEXT: "text in quotes",
    Kind.SEVERAL: "text in quotes, or a list of such texts",
}


class Setting(Struct, frozen=True):
    """One value of a file."""

    flag: Flag
    value: Value
    place: str
    """Where it stands, for messages."""


class ConfigFile(Struct, frozen=True):
    """What one file says, later settings over earlier ones."""

    path: str = ""
    """Empty: there is none."""
    settings: tuple[Setting, ...] = ()
    notes: tuple[str, ...] = ()


def usual_places(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a file is looked for that nobody names: the working directory, then the user's own configuration."""
    home = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME") or "~") / ".config")
    return Path(NAME), Path(home).expanduser() / "ghostpy" / NAME


def find_config(named: str | None, profile: str, places: Iterable[Path]) -> ConfigFile:
    """The file `named`, or where that is None the first that there is at `places`. An empty name: none at all.

    Raises UsageError, naming file and line, and never showing the value of a secret.
    """
    path = (
        Path(named).expanduser() if named else next((each for each in places if named is None and each.is_file()), None)
    )
    if path is None:
        if profile:
            raise UsageError(
                f"--profile={profile}: there is no configuration file.", hint=f"Name one with --config, or make {NAME}."
            )
        return ConfigFile()
    if not named:
        _see_whose(path)
    text = read_small_file(str(path), "--config")
    content = parsed(str(path), text)
    profiles = content.pop(_PROFILES, {})
    settings = read_settings(content, str(path), text)
    settings += _of_profile(profiles, profile, str(path), text)
    return ConfigFile(str(path), settings, tuple(_seen_by_others(path, settings)))


def parsed(path: str, text: str) -> dict[str, Any]:
    """The content of a TOML file. Raises UsageError with its place where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path} is not TOML: {error}.", hint="Text stands in quotes, and tables in [brackets]."
        ) from None


def read_settings(content: Mapping[str, Any], path: str, text: str, table: str = "") -> tuple[Setting, ...]:
    """`content`, the table of this name in the file, as flags. Raises UsageError at unknown keys and wrong types."""
    found = []
    for key, value in content.items():
        place = f"{path}, line {line_of(text, key, table)}"
        flag = FLAGS.get(key)
        if flag is None or isinstance(value, dict):
            raise UsageError(
                f"{place}: there is no flag {key!r}.{guess(key, FLAGS)}",
                hint="Keys are the flags of `ghostpy migrate` without dashes in front.",
            )
        if key in ONE_CALL_ONLY:
            raise UsageError(f"{place}: {key} cannot stand in a file.", hint="Give it on the command line.")
        found.append(Setting(flag, typed(flag, value, f"{place}: {flag.name}"), place))
    return tuple(found)


def line_of(text: str, key: str, table: str = "") -> int:
    """The number of the line in which `key` of this table stands; 1 where it is written in a way not known here."""
    within, wanted = "", re.compile(rf"""["']?{re.escape(key)}["']?\s*[=.]""")
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if line.startswith("["):
            within = re.sub(r"""[\[\]"'\s]|#.*""", "", line)
        elif within == table and wanted.match(line):
            return number
    return 1


def typed(flag: Flag, value: object, what: str) -> Value:
    """`value` as one of this flag's. `what`: what to call it. Raises UsageError, never with the value of a secret."""
    if "\0" in "".join(map(str, value if isinstance(value, list) else [value])):
        raise UsageError(f"{what} holds a null character.")
    match flag.kind, value:
        case Kind.SWITCH, bool():
            return value
        case ((Kind.WHOLE | Kind.FRACTION | Kind.TEXT | Kind.SEVERAL), bool()):
            pass
        case Kind.WHOLE, int():
            return value
        case Kind.FRACTION, int() | float():
            return float(value)
        case Kind.TEXT, str():
            return value
        case Kind.SEVERAL, str():
            return (value,)
        case Kind.SEVERAL, list() if all(isinstance(each, str) for each in value):
            return tuple(value)
    shown = "" if flag.secret else f", not {_shown(value)}"
    raise UsageError(f"{what} must be {_WANTED[flag.kind]}{shown}.")


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _of_profile(profiles: object, name: str, path: str, text: str) -> tuple[Setting, ...]:
    if not isinstance(profiles, dict) or not all(isinstance(each, dict) for each in profiles.values()):
        raise UsageError(f"{path}: profiles are tables, [profile.NAME].")
    # All of them are looked at, so that a mistake in one that is seldom used shows at once.
    read = {each: read_settings(content, path, text, f"{_PROFILES}.{each}") for each, content in profiles.items()}
    if name and name not in read:
        raise UsageError(f"--profile={name}: {path} has no [profile.{name}].{guess(name, read)}")
    return read[name] if name else ()


def _see_whose(path: Path) -> None:
    """Settings decide which programs run as hooks: what somebody else may have put here counts only by its name."""
    status = path.stat()
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & stat.S_IWOTH:
        whose = "can be written by everybody" if status.st_mode & stat.S_IWOTH else "belongs to another user"
        raise UsageError(
            f"{path.absolute()} {whose}, and is not used unasked.",
            hint=f"Give --config={path} if it is meant, or --config= to leave it out.",
        )


def _seen_by_others(path: Path, settings: Sequence[Setting]) -> Iterable[str]:
    secret = any(each.value and (each.flag.secret or holds_password(str(each.value))) for each in settings)
    if secret and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield f"{path} holds a password, and other users can read it; chmod 600 {path}"
