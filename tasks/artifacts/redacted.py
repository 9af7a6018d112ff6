"""Texts without passwords: of an address the user and the password, of a query its keys and tokens."""

import re
from urllib.parse import urlsplit

_USER = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/@'\"]*@")
# The name of a database's user is no secret; alone in an address of the web, it may well be a token.
_DATABASE_USER = re.compile(r"(?P<scheme>\b(?:postgresql|mysql|mssql)(?:\+\w+)?://)[^\s/@:'\"]*@")
_QUERY = re.compile(
    r"(?P<name>[?&;](?:[\w.-]*(?:password|passwd|token|secret|signature|credential|api_?key)|sig|key)=)[^&;\s'\"]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<name>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/-]{8,}=*")


def redacted(text: str) -> str:
    """Return ``text`` with ``***`` in place of what stands for a password.

    Example:
        >>> redacted("no answer from https://ann:s3cret@mlflow.example:5000/api?token=abc&page=2")
        'no answer from https://***@mlflow.example:5000/api?token=***&page=2'
    """
    text = _USER.sub(r"\g<scheme>***@", text)
    return _BEARER.sub(r"\g<name>***", _QUERY.sub(r"\g<name>***", text))


def without_user(url: str) -> str:
    """Return an address without user and password.

    Example:
        >>> without_user("https://me:secret@example.org/api")
        'https://example.org/api'
    """
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}{at}", "", 1) if at else url


def holds_secret(text: str) -> bool:
    """Return whether ``text`` is an address with a password, a key or a token in it.

    Example:
        >>> holds_secret("postgresql://ann@db.example/mlflow"), holds_secret("postgresql://ann:s@db.example/m")
        (False, True)
    """
    text = _DATABASE_USER.sub(r"\g<scheme>", text)
    return redacted(text) != text
