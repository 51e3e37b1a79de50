"""Reading apt's sources, in both formats, and picking the one to take servers from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ghostpy.sandbox import apt
from ghostpy.sandbox.errors import SandboxError

DEB822 = """\
# A comment, and a paragraph of several suites.
Types: deb deb-src
# URIs: http://example.org/old
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://mirror.example/source
Suites: bookworm
Components: main
"""

LINES = """\
# deb http://mirror.example/old bookworm main
deb-src http://mirror.example/source bookworm main
deb http://mirror.example/debian bookworm main contrib # the mirror
deb [ arch=amd64 signed-by=/usr/debian-archive-keyring.gpg ] http://mirror.example/signed bookworm main
"""


def test_deb822() -> None:
    main, security = apt.parse_deb822(DEB822)
    assert main.uris == ("http://mirror.example/debian",)
    assert main.suites == ("bookworm", "bookworm-updates")
    assert main.components == ("main", "contrib")
    assert main.signed_by == "/usr/debian-archive-keyring.gpg"
    assert security.suites == ("bookworm-security",)
    assert security.signed_by.startswith("-----BEGIN")


def test_lines() -> None:
    plain, signed = apt.parse_lines(LINES)
    assert plain == apt.Source(("http://mirror.example/debian",), ("bookworm",), ("main", "contrib"), "")
    assert signed.uris == ("http://mirror.example/signed",)
    assert signed.signed_by == "/usr/debian-archive-keyring.gpg"


def test_debian_is_picked_among_others(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "a-vendor.list").write_text("deb http://vendor.example/ bookworm main\n")
    (folder / "b-nodistro.sources").write_text(
        "Types: deb\nURIs: http://node.example\nSuites: nodistro\nComponents: main\n"
    )
    (folder / "debian.sources").write_text(DEB822)
    line = apt.source_line("sid", etc=tmp_path, own_suite="bookworm")
    assert line == ("deb [signed-by=/usr/debian-archive-keyring.gpg] http://mirror.example/debian sid main\n")


def test_the_old_sources_list(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    line = apt.source_line("sid", etc=tmp_path, own_suite="bookworm")
    assert line.endswith("http://mirror.example/debian sid main\n")


def test_no_debian(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no Debian source"):
        apt.source_line("sid", etc=tmp_path, own_suite="bookworm")
