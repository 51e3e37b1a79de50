"""A page of ours, looked at in Chromium: light and dark, wide and narrow."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_SIZES = [(1400, False), (1400, True), (500, False), (500, True)]


def assert_well_shown(page: Path, folder: Path) -> None:
    """No error on the console, nothing fetched, no sideways scrolling. Pictures of it are left in `folder`."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    assert browser is not None, "chromium is needed for this test: apt-get install chromium"
    measured = folder / "measured.html"
    # A script of ours says how wide the page became; the page's own policy is looked at without it below.
    script = "<script>document.title = document.documentElement.scrollWidth + ' ' + innerWidth</script>"
    text = re.sub(r"<meta http-equiv=[^>]*>", "", page.read_text())
    measured.write_text(text.replace("</body>", f"{script}</body>"))
    for number, (width, dark) in enumerate(_SIZES):
        look = ["--force-dark-mode", "--enable-features=WebContentsForceDark:inversion_method/none"] if dark else []
        base = [
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},2000",
            f"--user-data-dir={folder}/profile{number}", "--enable-logging=stderr", "--v=0", *look,
        ]  # fmt: skip
        shown = subprocess.run(
            [*base, f"--screenshot={folder}/{number}.png", f"--log-net-log={folder}/{number}.net", f"file://{page}"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        assert "CONSOLE" not in shown.stderr, shown.stderr
        assert (folder / f"{number}.png").stat().st_size > 20_000
        assert str(page) not in _fetched(folder / f"{number}.net")
        dumped = subprocess.run(
            [*base, "--dump-dom", f"file://{measured}"], capture_output=True, text=True, timeout=120, check=True
        )
        title = re.search(r"<title>(\d+) (\d+)</title>", dumped.stdout)
        assert title is not None
        assert int(title[1]) <= int(title[2]), "the page is wider than its window"


def _fetched(log: Path) -> str:
    """The addresses that the browser asked for on behalf of pages."""
    return "\n".join(re.findall(r'"url":"((?:https?|file)://[^"]*)"', log.read_text()))
