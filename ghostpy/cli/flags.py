"""Flags read from a configuration file, the environment and the command line; that by the rules of Go's `flag` package, as gh-ost does.

`-x` and `--x` are the same; `--x=value` or `--x value`; a switch is `--x` or `--x=false`; the last one
wins; `--` ends the flags. Numbers and truth values are spelled as Go reads them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from ghostpy.cli.address import dialect_of
from ghostpy.cli.config_file import ONE_CALL_ONLY, Setting, find_config
from ghostpy.cli.dialect_flags import as_on
from ghostpy.cli.flag import Flag, Kind, Status, Value
from ghostpy.cli.flag_table import EXCLUSIONS, FLAGS, REQUIREMENTS
from ghostpy.cli.guess import guess
from ghostpy.errors import UsageError

_TRUTH = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_WHOLE_RANGE = range(-(2**63), 2**63)
_NEVER_FROM_ENVIRONMENT = tuple(name for name in ONE_CALL_ONLY if name not in ("config", "profile"))


class Origin(IntEnum):
    """Where a value comes from; what is higher wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    COMMAND_LINE = 3


@dataclass(slots=True)
class FlagValues:
    """The flags of one call: what was given, and the defaults of all others."""

    _values: dict[str, tuple[Value, Origin]] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list)
    """What the log should say about them."""
    file: str = ""
    """The configuration file that was read; empty where there is none."""
    _places: dict[str, str] = field(default_factory=dict)

    def origin(self, name: str) -> Origin:
        return self._values[name][1] if name in self._values else Origin.DEFAULT

    def place(self, name: str) -> str:
        """Where the value of this flag stands, for messages."""
        return self._places.get(name, "")

    def given(self, name: str) -> bool:
        return name in self._values

    def names(self) -> Sequence[str]:
        """Of the flags given."""
        return tuple(self._values)

    def value(self, name: str) -> Value:
        return self._values[name][0] if name in self._values else FLAGS[name].default

    def text(self, name: str) -> str:
        value = self.value(name)
        assert isinstance(value, str), name
        return value

    def switch(self, name: str) -> bool:
        value = self.value(name)
        assert isinstance(value, bool), name
        return value

    def whole(self, name: str) -> int:
        value = self.value(name)
        assert isinstance(value, int), name
        return value

    def fraction(self, name: str) -> float:
        value = self.value(name)
        assert isinstance(value, (int, float)), name
        return float(value)

    def several(self, name: str) -> tuple[str, ...]:
        value = self.value(name)
        assert isinstance(value, tuple), name
        return value

    def put(self, flag: Flag, value: Value, origin: Origin, place: str = "") -> None:
        if flag.kind is Kind.SEVERAL and self.origin(flag.name) is origin:
            value = (*self.several(flag.name), *(value if isinstance(value, tuple) else ()))
        self._values[flag.name] = (value, origin)
        self._places[flag.name] = place or self._places.get(flag.name, "")


def read_flags(arguments: Sequence[str], environment: Mapping[str, str], places: Iterable[Path] = ()) -> FlagValues:
    """The flags of a call. Whether they can be used, and together, is for `check_flags`.

    `places`: where a configuration file is looked for if none is named. Raises UsageError at an unknown flag or key, a value that
    cannot be read, or an argument left over.
    """
    given = [*_of_environment(environment), *given_arguments(arguments)]
    named = {setting.flag.name: str(setting.value) for setting in given if setting.flag.name in ("config", "profile")}
    config = find_config(named.get("config"), named.get("profile", ""), places)
    values = FlagValues(notes=list(config.notes), file=config.path)
    for setting in config.settings:
        # A profile's list stands in the place of the one above it.
        values.put(setting.flag, setting.value, Origin.DEFAULT)
        values.put(setting.flag, setting.value, Origin.FILE, setting.place)
    for setting in given:
        origin = Origin.ENVIRONMENT if setting.place == setting.flag.variable else Origin.COMMAND_LINE
        values.put(setting.flag, setting.value, origin, setting.place)
    keep_bounds(values)
    return values


def _of_environment(environment: Mapping[str, str]) -> Iterable[Setting]:
    for flag in FLAGS.values():
        text = environment.get(flag.variable, "")
        if text and flag.name not in _NEVER_FROM_ENVIRONMENT:
            yield Setting(flag, _parsed(flag, text, flag.variable), flag.variable)


def given_arguments(arguments: Sequence[str]) -> Iterable[Setting]:
    """The flags on a command line, one after the other. Raises UsageError as `read_flags` does."""
    rest = list(arguments)
    previous: Flag | None = None
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            if rest:
                raise _left_over(rest[0], previous)
            return
        if argument == "-" or not argument.startswith("-"):
            raise _left_over(argument, previous)
        name, has_value, text = argument.removeprefix("-").removeprefix("-").partition("=")
        flag = FLAGS.get(name)
        if flag is None:
            raise _unknown(name)
        if flag.kind is Kind.SWITCH:
            text = text if has_value else "true"
        elif not has_value:
            if not rest:
                raise UsageError(f"{flag.spelled} needs a value.")
            text = rest.pop(0)
        yield Setting(flag, _parsed(flag, text, flag.spelled), flag.spelled)
        previous = flag


def _left_over(argument: str, previous: Flag | None) -> UsageError:
    if previous is not None and previous.secret:
        # What follows a secret may be the rest of it.
        return UsageError(f"An argument is left over behind {previous.spelled}; put its value in quotes.")
    if previous is not None and previous.kind is Kind.SWITCH and argument in _TRUTH:
        return UsageError(f"{previous.spelled} {argument} must be written {previous.spelled}={argument}.")
    return UsageError(f"The argument {argument!r} belongs to no flag.", hint="Put values with spaces in quotes.")


def _unknown(name: str) -> UsageError:
    return UsageError(f"There is no flag --{name.lstrip('-')}.{guess(name, FLAGS, before='--')}")


def _parsed(flag: Flag, text: str, spelled: str) -> Value:
    if "\0" in text:
        raise UsageError(f"{spelled} holds a null character.")
    match flag.kind:
        case Kind.SWITCH:
            if text not in _TRUTH:
                raise UsageError(f"{spelled} must be true or false, not {text!r}.")
            return _TRUTH[text]
        case Kind.WHOLE:
            whole = _whole(text)
            if whole is None:
                raise UsageError(f"{spelled} must be a whole number, not {text!r}.")
            return whole
        case Kind.FRACTION:
            number = _fraction(text)
            if number is None:
                raise UsageError(f"{spelled} must be a number, not {text!r}.")
            return number
        case Kind.SEVERAL:
            # The environment has one place for all of them: one a line.
            return tuple(text.splitlines()) if spelled == flag.variable else (text,)
        case Kind.TEXT:
            return text


def _whole(text: str) -> int | None:
    """As Go's ParseInt with base 0: 10, -10, 0x1f, 0b1, 0o17, 017, 1_000."""
    octal = re.fullmatch(r"([+-]?)0([0-7_]+)", text)
    try:
        number = int(f"{octal[1]}0o{octal[2]}" if octal else text, 0)
    except ValueError:
        return None
    return number if number in _WHOLE_RANGE and text.strip() == text else None


def _fraction(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and text.strip() == text else None


def keep_bounds(values: FlagValues) -> None:
    """Bring numbers within their bounds, as gh-ost does, and say so."""
    for name in values.names():
        flag, value = FLAGS[name], values.value(name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or flag.status is not Status.WORKS:
            continue
        bounded = value
        if flag.low is not None:
            bounded = max(bounded, type(value)(flag.low))
        if flag.high is not None:
            bounded = min(bounded, type(value)(flag.high))
        if bounded != value:
            values.put(flag, bounded, values.origin(name))
            values.notes.append(f"{flag.spelled}: {value} is out of bounds; {bounded} is used.")


def refuse_to_execute(values: FlagValues, command: str) -> None:
    """This call is only to plan what `command` would do. Raises UsageError where it was told otherwise."""
    if values.switch("execute") and values.origin("execute") is Origin.COMMAND_LINE:
        raise UsageError("--execute means nothing to plan.", hint=f"`ghostpy {command} --execute` carries a plan out.")
    # In a file it is meant for runs.
    values.put(FLAGS["execute"], False, Origin.COMMAND_LINE, "ghostpy plan")


def check_flags(values: FlagValues, *, unneeded: str = "") -> None:
    """Raise UsageError where a flag given cannot be used, or not with another; note what has nothing to do.

    `unneeded`: a flag that no other needs, in this call.
    """
    # A URL that cannot be read is told of where it is read.
    dialect = dialect_of(values.text("url")) or "mysql"
    problems = [*_exclusions(values), *_requirements(values, unneeded), *_unavailable(values, dialect)]
    if problems:
        raise UsageError(" ".join(problems))
    for name in values.names():
        flag = as_on(FLAGS[name], dialect)
        if flag.status is Status.NO_OP:
            values.notes.append(f"{flag.spelled} has nothing to do: {flag.reason}.")


def _exclusions(values: FlagValues) -> Sequence[str]:
    return [
        f"--{one} and --{other} exclude each other."
        for one, other in EXCLUSIONS
        if values.value(one) and values.value(other)
    ]


def _requirements(values: FlagValues, unneeded: str) -> Sequence[str]:
    return [
        f"--{requirement.flag} needs --{requirement.needs}."
        for requirement in REQUIREMENTS
        if requirement.needs != unneeded and values.value(requirement.flag) and not values.value(requirement.needs)
    ]


def _unavailable(values: FlagValues, dialect: str) -> Sequence[str]:
    problems = []
    for name in values.names():
        flag = as_on(FLAGS[name], dialect)
        if flag.asks_for_nothing(values.value(name)):
            continue
        given = values.place(name)
        if values.origin(name) is Origin.FILE:
            given = f"{given}: {name}"
        if not flag.secret and isinstance(values.value(name), str):
            given = f"{given}={values.value(name)}" if flag.status is Status.REFUSED else given
        if flag.status is Status.LATER:
            problems.append(f"{given} is not available in this version: {flag.reason}.")
        elif flag.status is Status.REFUSED:
            problems.append(f"{given} is not supported: {flag.reason}.")
    return problems
