"""Online schema change for MySQL and PostgreSQL: follow keys, copy in chunks, verify, exchange under a short lock."""


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Only when asked for: the package that looks it up takes 50 ms to load.
        from importlib.metadata import version

        return version("ghostpy")
    raise AttributeError(name)
