"""Online schema change for MySQL and PostgreSQL: follow keys, copy in chunks, verify, exchange under a short lock."""

from importlib.metadata import version

__version__ = version("ghostpy")
