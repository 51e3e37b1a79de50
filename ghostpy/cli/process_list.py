"""Passwords given as arguments, blanked out where other users of the machine can read them; and what else a process shows of itself.

Linux keeps a process's arguments in its own memory, which `ps` and /proc/PID/cmdline show; so writing
over them there is enough. Between the start and this moment they could be read: a file or the environment
is the better place.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.secret_text import holds_password
from ghostpy.settings import SECRET_PARAMETERS

_ARG_START, _ARG_END = 47, 48
"""Fields of /proc/PID/stat, counted from 0; proc_pid_stat(5) counts from 1."""


_PR_SET_DUMPABLE = 4
"""prctl(2)."""
_SECRET_PARAMETER = re.compile(rf"([?&](?:{'|'.join(SECRET_PARAMETERS)})=)([^&]*)")


def hide_secrets(arguments: Sequence[str]) -> None:
    """Blank out the secrets among this process's `arguments`. Where that cannot be done, nothing happens."""
    masked = mask(arguments)
    if list(arguments) == masked:
        return
    try:
        # The second field is the program's name in parentheses, and may hold spaces.
        fields = ["", "", *Path("/proc/self/stat").read_text().rpartition(")")[2].split()]
        start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
        now = ctypes.string_at(start, end - start) if start else b""
        old, new = (b"\0".join(map(os.fsencode, texts)) + b"\0" for texts in (arguments, masked))
        if now.endswith(b"\0" + old) and len(old) == len(new):
            ctypes.memmove(end - len(new), new, len(new))
    except (OSError, ValueError, IndexError):
        return


def keep_memory_private() -> None:
    """Let no core file be written of this process, and nobody but root read its memory and environment in /proc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def forget_secrets(environment: MutableMapping[str, str]) -> None:
    """Take what is secret and meant for ghostpy alone out of the environment that programs started from here get."""
    for flag in FLAGS.values():
        if flag.secret or holds_password(environment.get(flag.variable, "")):
            environment.pop(flag.variable, None)


def mask(arguments: Sequence[str]) -> list[str]:
    """`arguments` with as many bytes of `x` for every secret."""
    masked: list[str] = []
    secret_next = False
    for argument in arguments:
        name, has_value, value = argument.lstrip("-").partition("=")
        flag = FLAGS.get(name) if argument.startswith("-") else None
        if secret_next:
            masked.append(_blank(argument))
        elif flag is not None and flag.secret and has_value:
            masked.append(argument[: -len(value)] + _blank(value) if value else argument)
        else:
            masked.append(_without_parameters(_without_url_password(argument)))
        secret_next = not secret_next and flag is not None and flag.secret and not has_value
    return masked


def _blank(text: str) -> str:
    return "x" * len(os.fsencode(text))


def _without_parameters(argument: str) -> str:
    """`argument` with the secrets among the parameters of a URL blanked out."""
    if "://" not in argument:
        return argument
    return _SECRET_PARAMETER.sub(lambda found: found[1] + _blank(found[2]), argument)


def _without_url_password(argument: str) -> str:
    scheme, slashes, rest = argument.partition("://")
    account, at, place = rest.rpartition("@")
    user, colon, password = account.partition(":")
    if not (slashes and at and colon and scheme.lstrip("-").removeprefix("url=").isalnum()):
        return argument
    return f"{scheme}://{user}:{_blank(password)}@{place}"
