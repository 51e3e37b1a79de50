"""The file that a script is read from."""

from __future__ import annotations

from pathlib import Path

from ghostpy.errors import UsageError

_LARGEST = 64 << 20


def read_file(path: str) -> str:
    """Its text. Raises UsageError where it cannot be read, is too large, or is no text in UTF-8."""
    try:
        if not Path(path).is_file():
            raise UsageError(f"The script {path} is not there, or is no file.", hint="See `ghostpy apply --help`.")
        if Path(path).stat().st_size > _LARGEST:
            raise UsageError(f"The script {path} has more than {_LARGEST >> 20} MiB.", hint="Load rows by other means.")
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"The script {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(
            f"The script {path} is not written in UTF-8.", hint="Convert it, for example by iconv."
        ) from None
    if "\0" in text:
        raise UsageError(f"The script {path} holds a null character.", hint="It must be plain text.")
    return text
