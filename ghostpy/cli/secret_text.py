"""Texts that may hold a password, as they can be shown: URLs of servers and the like."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ghostpy.settings import SECRET_PARAMETERS

MASK = "***"
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>.*)", re.DOTALL)


def holds_password(text: str) -> bool:
    """Whether `text` is a URL with a password in it."""
    return masked(text) != text


def masked(text: str) -> str:
    """`text`, and where it is a URL, without the passwords in it."""
    url = _URL.fullmatch(text)
    if url is None:
        return text
    # Whatever stands in front of the last @ can be an account, for passwords may hold any character.
    account, at, place = url["rest"].rpartition("@")
    user, colon, password = account.partition(":")
    if at and colon and password:
        account = f"{user}:{MASK}"
    front, question, parameters = f"{account}{at}{place}".partition("?")
    shown = "&".join(_masked_parameter(each) for each in parameters.split("&"))
    return f"{url['scheme']}{front}{question}{shown}"


def _masked_parameter(text: str) -> str:
    name, equals, value = text.partition("=")
    return f"{name}={MASK}" if equals and value and unquote(name).lower() in SECRET_PARAMETERS else text
