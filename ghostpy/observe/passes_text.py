"""The comparisons of all rows, in words."""

from __future__ import annotations

from ghostpy.model.passes import Passes
from ghostpy.observe.figures import go_duration, whole


def passes_text(passes: Passes) -> str:
    """When the last one ended and what it found, and when the next begins; nothing where there is nothing to say."""
    told = []
    if passes.last_age is not None:
        found = (
            f"{whole(passes.last_repaired)} differed and were resynced" if passes.last_repaired else "no differences"
        )
        told.append(
            f"All rows were compared last {go_duration(passes.last_age)} ago: {whole(passes.last_rows)} rows, {found}."
        )
    if passes.under_way:
        told.append(f"They are being compared again: {whole(passes.rows)} rows so far.")
    elif passes.every and passes.last_age is not None:
        told.append(f"They are compared again in {go_duration(max(passes.every - passes.last_age, 0.0))}.")
    return " ".join(told)


def compared_again(times: int, last: str) -> str:
    """In the past tense, of a run that has ended. `last`: when the last comparison ended."""
    return f"all compared again {'once' if times == 1 else f'{whole(times)} times'} while the cut-over was postponed, last at {last}"
