"""Errors become a paragraph on stderr and an exit code: here and nowhere else."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from ghostpy.cli.redaction import redact
from ghostpy.errors import AlreadyRunning, ConnectionFailed, GhostpyError, PlanRefused, ServerGone, UsageError

_INTERRUPTED = 130
_NOTHING_YET = (UsageError, PlanRefused, ConnectionFailed, AlreadyRunning)
"""Where a run ends so, it has not begun to create anything (but for a server that goes away later)."""

_SAID = ("nothing was", "untouched", "not changed", "is updated")
"""One of these stands where it is said already what was changed."""


def failure_text(error: BaseException, *, trace: bool) -> str:
    """What to print: what happened, whether anything was changed, what to do; with `trace` that as well."""
    leaf = cause(error)
    if isinstance(leaf, GhostpyError):
        text = _paragraph(leaf)
    elif isinstance(leaf, KeyboardInterrupt):
        text = "ghostpy: interrupted."
    else:
        what = " ".join(str(leaf).split()) or "no message"
        text = f"ghostpy: {type(leaf).__name__}: {what}. This is a defect in ghostpy; please report it"
        text += "." if trace else ", with the trace that --debug shows."
    if trace:
        text = "".join(traceback.format_exception(error)) + text
    return redact(text)


def exit_code(error: BaseException) -> int:
    leaf = cause(error)
    if isinstance(leaf, GhostpyError):
        return leaf.exit_code
    return _INTERRUPTED if isinstance(leaf, KeyboardInterrupt) else 1


def _paragraph(error: GhostpyError) -> str:
    sentences = [_sentence(error.message), *map(_sentence, getattr(error, "__notes__", ()))]
    told = " ".join([*sentences, error.hint]).lower()
    if _before_any_change(error) and not any(word in told for word in _SAID):
        sentences.append("Nothing was changed.")
    # Behind a list of findings the rest begins on a line of its own.
    rest = " ".join([*sentences[1:], error.hint]).rstrip()
    between = "\n" if "\n" in sentences[0] else " "
    return f"ghostpy: {sentences[0]}{between}{rest}".rstrip()


def _before_any_change(error: GhostpyError) -> bool:
    return isinstance(error, _NOTHING_YET) and not isinstance(error, ServerGone)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":", "]")) else f"{text}."  # "]": a finding's code


def cause(error: BaseException) -> BaseException:
    """Of several errors that ended tasks together, the one to tell: one that is meant for users, if there is any."""
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, GhostpyError)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
