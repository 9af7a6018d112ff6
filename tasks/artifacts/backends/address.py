"""Addresses of stores and of slides: URLs that hold no secret."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tasks.artifacts.backends.errors import StoreAddressError

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.DOTALL)
_SCHEME_OF_A_PATH = re.compile(r"([a-z][a-z0-9+.-]+):/+(?=[^/])(.*)", re.DOTALL)
_ALLOWED = "s3://bucket/prefix, file:///shared/folder or another URL that fsspec knows"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


class Address(NamedTuple):
    """A URL without anything secret.

    Attributes:
        scheme: such as ``s3``.
        path: what follows ``://``, without a slash at its end; of ``file`` the absolute path.
    """

    scheme: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of the file system."""
        return self.scheme in ("file", "local")


def read_address(text: str) -> Address:
    """Return the address that ``text`` is.

    Raises:
        StoreAddressError: it is none, or holds a secret, which the sentence does not repeat.

    Example:
        >>> read_address("s3://bucket/studies/")
        Address(scheme='s3', path='bucket/studies')
    """
    match = _SCHEME.fullmatch(text)
    if match is None:
        raise StoreAddressError(f"{text!r} is no URL; allowed are {_ALLOWED}")
    scheme, path = match[1], match[2].rstrip("/")
    _refuse_secrets(text)
    if not path or "::" in path or _UNSAFE.search(path) or ".." in unquote(path).split("/"):
        raise StoreAddressError(
            f"{text!r} is incomplete: a bucket or a folder must follow ://, and nothing may be chained or "
            "hold '..'"
        )
    address = Address(scheme, path)
    if address.is_local and not path.startswith("/"):
        raise StoreAddressError(f"{text!r} is no absolute path; write file:///folder, with three slashes")
    return address


def url_in(path: Path | str) -> str | None:
    """Return the URL that was given where a path may be too; None where it is a path.

    A ``Path`` keeps one slash of the two, so ``s3:/bucket`` is read as ``s3://bucket``.

    Example:
        >>> url_in(Path("s3://bucket/slides")), url_in(Path("/data/slides")), url_in(Path("C:/slides"))
        ('s3://bucket/slides', None, None)
    """
    match = _SCHEME_OF_A_PATH.fullmatch(str(path))
    if match is None:
        return None
    slash = "/" if match[1] in ("file", "local") else ""
    return f"{match[1]}://{slash}{match[2]}"


def _refuse_secrets(text: str) -> None:
    parts = urlsplit(text)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise StoreAddressError(
            f"the {parts.scheme} URL holds a name, a password or parameters; a study file holds no secret: "
            "take them out, and give keys and the endpoint by the environment (AWS_ACCESS_KEY_ID, "
            "AWS_PROFILE, AWS_ENDPOINT_URL) or a configuration file of fsspec"
        )
