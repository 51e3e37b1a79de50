"""MariaDB's global transaction identifiers: domain, server and number, as in `0-1-77`.

A position has the last one of each domain. Within a domain all servers have the same transactions in the same order, so what comes after it is
the same on each of them ("Global Transaction ID", MariaDB Knowledge Base).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct


class DomainGtids(Struct, frozen=True):
    """`last`: by domain, the server and the number of its last transaction."""

    last: Mapping[int, tuple[int, int]]

    @classmethod
    def parse(cls, text: str) -> DomainGtids:
        """Read the server's text form, such as `0-1-77,5-2-3`. Raises ValueError where it is not one."""
        return cls({domain: (server, number) for domain, server, number in _gtids(text)})

    def unknown_to(self, *, logged: str, replicated: str) -> Sequence[str]:
        """What a server cannot go on from. `logged`: its `gtid_binlog_state`, the last of each domain and server; `replicated`: its `gtid_slave_pos`.

        What was replicated last, and not logged, has behind it only what the server has logged itself since.
        """
        seen = {(domain, server): number for domain, server, number in _gtids(logged)}
        last = set(_gtids(replicated))
        return [
            _text(domain, server, number)
            for domain, (server, number) in sorted(self.last.items())
            if seen.get((domain, server), -1) < number and (domain, server, number) not in last
        ]

    def __str__(self) -> str:
        """Return the text form that the server reads."""
        return ",".join(_text(domain, *of) for domain, of in sorted(self.last.items()))


def _gtids(text: str) -> Iterator[tuple[int, int, int]]:
    for piece in text.split(","):
        if piece.strip():
            domain, server, number = (int(part) for part in piece.split("-"))
            yield domain, server, number


def _text(domain: int, server: int, number: int) -> str:
    return f"{domain}-{server}-{number}"
