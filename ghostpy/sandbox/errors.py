"""What can go wrong with a throwaway server."""

from __future__ import annotations

from ghostpy.errors import GhostpyError


class SandboxError(GhostpyError):
    """A throwaway server cannot be had, or did not do what was asked of it."""

    default_hint = "Name a server program in GHOSTPY_MYSQLD, GHOSTPY_MARIADBD or GHOSTPY_POSTGRES_18, or start Docker."
