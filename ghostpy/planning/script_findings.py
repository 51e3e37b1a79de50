"""What can stand against a statement of a script, whichever server it is for."""

from __future__ import annotations

from ghostpy.model.finding import Finding, Severity


def unknown(what: str, why: str = "is no statement that a migration script may hold here") -> Finding:
    return Finding(
        "statement-unknown", f"{what} {why}", "Take it out of the script, and run it by hand where it is needed."
    )


def client_command(what: str) -> Finding:
    text = f"{what} is a command of a client program, not SQL"
    return Finding("client-command", text, "Take it out of the script.")


def compound(what: str) -> Finding:
    text = f"{what} holds statements of its own, so that its end cannot be told from theirs"
    return Finding(
        "compound-statement",
        text,
        "On MySQL, let DELIMITER say how it ends; else make it by another way, in front of the script or behind it.",
    )


def several(what: str) -> Finding:
    return unknown(what, "and more stands between two of the marks that DELIMITER has set")


def other_database(what: str) -> Finding:
    text = f"{what} is not in the database that the script is applied to"
    return Finding("other-database", text, "Apply one script to one database; name that by --database or in --url.")


def server_wide(what: str) -> Finding:
    text = f"{what} is about more than tables of this database, or about who may use them now"
    return Finding("server-wide", text, "Take it out of the script, and run it by hand where it is needed.")


def transaction_control(what: str) -> Finding:
    text = f"{what}: transactions are ghostpy's own here, and only a whole BEGIN … COMMIT is read as a wish"
    return Finding("transaction-control", text, "Take it out of the script.")


def opaque(what: str) -> Finding:
    text = f"{what} can do anything, and what it does cannot be seen"
    return Finding("opaque-statement", text, "Where it is known to be quick, accept that by --allow opaque-statement.")


def temporary(what: str) -> Finding:
    text = f"{what} makes something that is gone with its session, so that no other run could go on"
    return Finding("temporary-table", text, "Use a plain table, and drop it at the end of the script.")


def drops_rows(what: str) -> Finding:
    text = f"{what} removes rows for good"
    return Finding("drops-rows", text, "Make sure that nobody needs them, and that there is a backup.", Severity.WARN)
