"""A password, given in each of the ways that there are, is in nothing that a run writes, shows or hands on."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]
SECRET = "Plover-8302-Finch"

# All that a hook gets, all that the process shows, and what it answers on its socket.
SPY = f"""#!{sys.executable}
import os, pathlib, socket, sys
place = pathlib.Path(os.environ["SPY_FOLDER"]) / os.path.basename(sys.argv[0])
told = [repr(sys.argv), repr(dict(os.environ)), sys.stdin.read()]
told.append(pathlib.Path(f"/proc/{{os.getppid()}}/cmdline").read_bytes().decode())
sent = pathlib.Path(os.environ["SPY_FOLDER"]) / "environ"
sent.write_bytes(pathlib.Path(f"/proc/{{os.getppid()}}/environ").read_bytes())
path = os.environ["SPY_SOCKET"]
if os.path.exists(path):
    told.append(oct(os.stat(path).st_mode & 0o777))
    for command in ("status", "sup", "status json", "explain", "config", "help"):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            try:
                line.connect(path)
                line.sendall(command.encode() + b"\\n")
                line.shutdown(socket.SHUT_WR)
                while part := line.recv(65536):
                    told.append(part.decode())
            except OSError as error:
                told.append(repr(error))
place.write_text("\\n".join(told))
"""


@dataclass(frozen=True)
class Way:
    """How the password is given. `{S}`: the secret, `{F}`: a folder with files that hold it."""

    name: str
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    account: str = "keeper@"
    typed: bool = False
    only: str = ""
    for_clients: bool = False
    """Whether it stands in a variable that clients which hooks start read, too."""


WAYS = [
    Way("flag", ("--password={S}",)),
    Way("two words", ("--password", "{S}")),
    Way("URL", account="keeper:{S}@"),
    Way("URL's parameter", ("--verbose",), account="keeper@", only="postgres", environment={"PARAMETER": "1"}),
    Way("variable", environment={"GHOSTPY_PASSWORD": "{S}"}),
    Way("variable of a URL", environment={"GHOSTPY_URL": "1"}, account="keeper:{S}@"),
    Way("file", ("--password-file={F}/password",)),
    Way("conf", ("--conf={F}/my.cnf",)),
    Way("configuration", ("--config={F}/ghostpy.toml",)),
    Way("terminal", ("--ask-pass",), typed=True),
    Way("MYSQL_PWD", environment={"MYSQL_PWD": "{S}"}, only="mysql", for_clients=True),
    Way("PGPASSWORD", environment={"PGPASSWORD": "{S}"}, only="postgres", for_clients=True),
    Way("pgpass", environment={"PGPASSFILE": "{F}/pgpass"}, only="postgres"),
]
CASES = [
    pytest.param(kind, way, id=f"{kind}-{way.name}")
    for kind in ("mysql", "postgres")
    for way in WAYS
    if way.only in ("", kind)
]


@pytest.fixture(scope="module")
def guarded(mysql: sandbox.MySQLServer, postgres_with: PostgresWith) -> Iterator[dict[str, sandbox.Server]]:
    """Servers that ask the account `keeper` for SECRET."""
    postgres = postgres_with(18, {"password_encryption": "scram-sha-256", "cluster_name": "guarded"})
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all keeper all scram-sha-256\n{before}")
    postgres.execute(f"CREATE ROLE keeper LOGIN SUPERUSER PASSWORD '{SECRET}'", "SELECT pg_reload_conf()")
    mysql.execute(f"CREATE USER keeper@'%' IDENTIFIED BY '{SECRET}'", "GRANT ALL ON *.* TO keeper@'%'")
    yield {"mysql": mysql, "postgres": postgres}
    mysql.execute("DROP USER keeper@'%'")
    rules.write_text(before)
    postgres.execute("SELECT pg_reload_conf()", "DROP ROLE keeper")


def _run(command: list[str], environment: Mapping[str, str], told: Path, *, typed: bool) -> int:
    """Run to the end, with the password typed on a terminal of its own where it is to be."""
    ours, theirs = pty.openpty() if typed else (-1, -1)

    def take_terminal() -> None:
        import fcntl
        import termios

        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with told.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=theirs if typed else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=take_terminal if typed else None,
        )
        if typed:
            shown = b""
            while b"Password" not in shown:
                assert select.select([ours], [], [], 60)[0], "no prompt"
                shown += os.read(ours, 1000)
            os.write(ours, f"{SECRET}\n".encode())
        status = process.wait(timeout=120)
    if typed:
        os.close(ours)
        os.close(theirs)
    return status


@pytest.mark.parametrize(("kind", "way"), CASES)
def test_a_password_is_nowhere(
    kind: str, way: Way, guarded: dict[str, sandbox.Server], new_database: NewDatabase, tmp_path: Path
) -> None:
    server = guarded[kind]
    database = new_database(server)
    server.execute(
        *(
            ["SELECT 1"]
            if kind == "postgres"
            else [f"USE {database}", "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]
        )
    )
    given, out, hooks = tmp_path / "given", tmp_path / "out", tmp_path / "hooks"
    for folder in (given, out, hooks):
        folder.mkdir()
    for name, text in {
        "password": SECRET,
        "my.cnf": f"[client]\npassword={SECRET}\n",
        "ghostpy.toml": f'password = "{SECRET}"\n',
        "pgpass": f"*:*:*:keeper:{SECRET}\n",
    }.items():
        (given / name).write_text(text)
        (given / name).chmod(0o600)
    moments = ("startup", "row-copy-complete", "success", "failure")
    for moment in moments:
        (hooks / f"gh-ost-on-{moment}").write_text(SPY)
        (hooks / f"gh-ost-on-{moment}").chmod(0o755)

    def filled(text: str) -> str:
        return text.replace("{S}", SECRET).replace("{F}", str(given))

    scheme = "postgresql" if kind == "postgres" else "mysql"
    url = f"{scheme}://{filled(way.account)}127.0.0.1:{server.port}/{database}"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GHOSTPY_", "MYSQL", "PG"))
    }
    environment |= {name: filled(value) for name, value in way.environment.items()}
    environment |= {"SPY_FOLDER": str(out), "SPY_SOCKET": str(tmp_path / "s.sock"), "XDG_RUNTIME_DIR": str(tmp_path)}
    if "PARAMETER" in environment:
        url += f"?password={SECRET}"
    if "GHOSTPY_URL" in environment:
        environment["GHOSTPY_URL"] = url
    # A change that fails for its rows tells of more than one that comes through.
    table, alter = ("t", "ADD COLUMN extra INT")
    if kind == "postgres":
        import psycopg

        with psycopg.connect(
            f"postgresql://{server.user}@127.0.0.1:{server.port}/{database}", autocommit=True
        ) as session:
            session.execute("CREATE TABLE t (id INT PRIMARY KEY)")
            session.execute("INSERT INTO t VALUES (1)")
        alter = "ALTER COLUMN id TYPE bigint"
    command = [
        sys.executable, "-c", "from ghostpy.cli.main import entry_point; entry_point()", "migrate",
        *([] if "GHOSTPY_URL" in environment else [f"--url={url}"]), f"--table={table}", f"--alter={alter}", "--execute", "--debug",
        f"--log-file={out / 'log'}", "--log-format=json", f"--report={out}", f"--metrics-textfile={out / 'm.prom'}",
        f"--hooks-path={hooks}", f"--serve-socket-file={tmp_path / 's.sock'}", *map(filled, way.flags),
    ]  # fmt: skip
    status = _run(command, environment, out / "told", typed=way.typed)
    assert status == 0, (out / "told").read_text()
    assert {path.suffix for path in out.iterdir()} >= {".html", ".json", ".prom"}
    spied = out / "gh-ost-on-row-copy-complete"
    assert "0o600" in spied.read_text()
    for path in out.iterdir():
        text = path.read_bytes().decode(errors="replace")
        if path.name == "environ":
            assert (SECRET in text) == (SECRET in str(environment))  # what the system keeps, for root and nobody else
        elif way.for_clients and path.name.startswith("gh-ost-on-"):
            assert text.count(SECRET) == 1
        else:
            assert SECRET not in text, path.name


def test_what_a_process_keeps_is_for_root_alone() -> None:
    """As prctl(2) has it: not dumpable means no core file, and files in /proc that belong to root."""
    program = (
        "import ctypes; from ghostpy.cli.process_list import keep_memory_private; keep_memory_private(); "
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
