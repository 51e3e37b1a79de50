"""Settings become a migration ready to run; the only room that knows every part."""

from ghostpy.assembly.run import migrate

__all__ = ["migrate"]
