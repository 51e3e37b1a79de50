"""Completion in real shells, and the manual page by the real formatter."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ghostpy.cli.commands import COMMANDS
from ghostpy.cli.completing import flags_of
from ghostpy.cli.completion_scripts import SHELLS
from ghostpy.cli.flag import Status
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.main import main
from ghostpy.cli.man import man_page

Capture = pytest.CaptureFixture[str]
# Every machine that these tests run on has bash; of the others those that are there.
INSTALLED = [shell for shell in SHELLS if shell == "bash" or shutil.which(shell)]
ASK = 'source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _ghostpy; printf "%s\\n" "${{COMPREPLY[@]}}"'


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bash") / "ghostpy.bash"
    path.write_text(SHELLS["bash"]())
    return path


def completed(script: Path, *words: str, folder: Path | None = None) -> list[str]:
    """What bash proposes for the last of `words`."""
    quoted = " ".join("'" + word + "'" for word in ("ghostpy", *words))
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK.format(script=script, words=quoted)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("shell", INSTALLED)
def test_the_shell_can_read_its_script(shell: str, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(SHELLS[shell]())
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_commands(script: Path) -> None:
    assert completed(script, "") == [command.name for command in COMMANDS]
    assert completed(script, "mi") == ["migrate"]
    assert completed(script, "completion", "z") == ["zsh"]
    assert completed(script, "sandbox", "m") == ["mysql", "mariadb"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_flags_of_each_command(script: Path, command: object) -> None:
    found = next(each for each in COMMANDS if each is command)
    assert completed(script, found.name, "--") == [f"--{flag.name}" for flag in flags_of(found)]


def test_flags_and_their_values(script: Path, tmp_path: Path) -> None:
    assert completed(script, "migrate", "--cut-over-l") == ["--cut-over-lock-timeout-seconds"]
    assert "--execute" in completed(script, "--ex")
    assert completed(script, "migrate", "--table=t", "--verify", "o") == ["on", "off"]
    assert completed(script, "migrate", "--verify", "=", "of") == ["off"]
    assert completed(script, "migrate", "--verify", "=") == ["on", "off"]
    assert completed(script, "migrate", "--alter", "") == []
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.toml").touch()
    assert sorted(completed(script, "migrate", "--config", "", folder=tmp_path)) == ["file.toml", "folder"]
    assert completed(script, "migrate", "--hooks-path", "", folder=tmp_path) == ["folder"]
    assert completed(script, "batch", "fi", folder=tmp_path) == ["file.toml"]


def test_only_what_works_is_proposed(script: Path) -> None:
    proposed = set(completed(script, "migrate", "--"))
    works = {flag.spelled for flag in FLAGS.values() if flag.status is Status.WORKS}
    assert proposed == works


def in_bash(folder: Path, line: str) -> list[str]:
    path = folder / "ghostpy.bash"
    path.write_text(SHELLS["bash"]())
    return completed(path, *line.split(" ")[1:])


def in_fish(folder: Path, line: str) -> list[str]:
    path = folder / "ghostpy.fish"
    path.write_text(SHELLS["fish"]())
    call = ["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=folder)
    return [each.split("\t")[0] for each in done.stdout.splitlines()]


ASKED = {"bash": in_bash, "fish": in_fish}


@pytest.mark.parametrize("shell", [shell for shell in INSTALLED if shell in ASKED])
def test_shells_propose_the_same(shell: str, tmp_path: Path) -> None:
    ask = ASKED[shell]
    assert set(ask(tmp_path, "ghostpy ")) == {command.name for command in COMMANDS}
    assert sorted(ask(tmp_path, "ghostpy migrate --verify ")) == ["off", "on"]
    assert ask(tmp_path, "ghostpy config --jso") == ["--json"]
    assert sorted(ask(tmp_path, "ghostpy completion ")) == sorted(SHELLS)


def test_shells_that_are_not_known(capsys: Capture) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash, zsh, fish" in capsys.readouterr().err
    assert main(["completion", "fish"]) == 0
    assert capsys.readouterr().out == SHELLS["fish"]()


def test_choices_are_what_the_program_takes() -> None:
    for flag in FLAGS.values():
        # Where the default depends on the kind of server, none is named.
        assert not flag.choices or flag.default in ("", *flag.choices)


def test_the_manual_page_renders_without_a_warning() -> None:
    page = man_page()
    assert page.isascii()
    for flag in FLAGS.values():
        assert flag.spelled.replace("-", "\\-") in page
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "EXIT STATUS" in done.stdout.replace("\b", "").replace("EEXXIITT SSTTAATTUUSS", "EXIT STATUS")


def test_man(capsys: Capture) -> None:
    assert main(["man"]) == 0
    assert capsys.readouterr().out == man_page()
