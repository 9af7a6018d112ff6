"""What object stores complain of, in one sentence each."""

import errno
from collections.abc import Iterator
from enum import Enum
from functools import cache

from tasks.artifacts.backends.address import Address

_CODES = {
    "NoSuchBucket": "NO_BUCKET",
    "InvalidBucketName": "NO_BUCKET",
    "PermanentRedirect": "REGION",
    "AuthorizationHeaderMalformed": "REGION",
    "IllegalLocationConstraintException": "REGION",
    "AccessDenied": "FORBIDDEN",
    "AllAccessDisabled": "FORBIDDEN",
    "403": "FORBIDDEN",
    "InvalidAccessKeyId": "KEY",
    "SignatureDoesNotMatch": "KEY",
    "InvalidClientTokenId": "KEY",
    "UnrecognizedClientException": "KEY",
    "ExpiredToken": "EXPIRED",
    "ExpiredTokenException": "EXPIRED",
    "TokenRefreshRequired": "EXPIRED",
    "InvalidToken": "EXPIRED",
    "RequestTimeTooSkewed": "CLOCK",
    "RequestExpired": "CLOCK",
    "PreconditionFailed": "CONDITION",
    "ConditionalRequestConflict": "CONDITION",
    "412": "CONDITION",
    "SlowDown": "BUSY",
    "ServiceUnavailable": "BUSY",
    "503": "BUSY",
    "NotImplemented": "NO_CONDITION",
    "501": "NO_CONDITION",
    "NoSuchKey": "GONE",
    "404": "GONE",
    "BadDigest": "TORN",
    "IncompleteBody": "TORN",
}
"""What the codes of S3 mean."""

_CLASSES = {
    "NoCredentialsError": "NO_KEY",
    "PartialCredentialsError": "NO_KEY",
    "CredentialRetrievalError": "NO_KEY",
    "ProfileNotFound": "NO_KEY",
    "TokenRetrievalError": "EXPIRED",
    "UnauthorizedSSOTokenError": "EXPIRED",
    "SSOTokenLoadError": "EXPIRED",
    "EndpointConnectionError": "AWAY",
    "ConnectionClosedError": "AWAY",
    "ConnectTimeoutError": "SLOW",
    "ReadTimeoutError": "SLOW",
    "FSTimeoutError": "SLOW",
    "TimeoutError": "SLOW",
    "SSLError": "TLS",
    "ParamValidationError": "NO_BUCKET",
    "IncompleteRead": "TORN",
    "ClientPayloadError": "TORN",
    "HTTPClientError": "AWAY",
    "ConnectionRefusedError": "AWAY",
    "ClientConnectorError": "AWAY",
}
"""What the classes of errors mean, without their modules."""

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENAMETOOLONG)


class Complaint(Enum):
    """The kinds of trouble with an object store, each with what is told of it."""

    AWAY = "cannot be reached; check the endpoint (AWS_ENDPOINT_URL) and the network"
    SLOW = "did not answer in time; check the endpoint (AWS_ENDPOINT_URL) and the network"
    TLS = "has a certificate that is not trusted; name its authority in AWS_CA_BUNDLE"
    NO_BUCKET = "names a bucket that does not exist"
    REGION = "lies in another region than was asked for; set AWS_DEFAULT_REGION"
    NO_KEY = "needs credentials and has none; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    KEY = "does not accept these credentials; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    EXPIRED = "does not accept these credentials any longer: they have expired; get new ones"
    FORBIDDEN = "forbids this to these credentials; they must be allowed to list, read, write and delete"
    CLOCK = "does not accept the clock of this machine; set it"
    BUSY = "is too busy or out of service; try again later"
    NO_CONDITION = "does not know conditional puts (If-None-Match), which publishing needs"
    CONDITION = "was changed by another process in the meantime"
    GONE = "does not hold an object that was asked for"
    TORN = "sent or received bytes that were cut short"
    LOCAL = ""
    OTHER = "failed"

    def sentence(self, address: Address, error: BaseException) -> str:
        """Return what is told of ``error`` at ``address``; nothing of it is secret."""
        told = f": {' '.join(str(error).split())[:200]}" if self is Complaint.OTHER else ""
        return f"{address} {self.value}{told}"


def complaint_of(error: BaseException) -> Complaint:
    """Return what an error of fsspec or below it means."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
        if code is not None:
            return Complaint[_CODES.get(str(code), "OTHER")]
        for kind in type(each).__mro__:
            if kind.__name__ in _CLASSES:
                return Complaint[_CLASSES[kind.__name__]]
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return Complaint.LOCAL
    if isinstance(error, FileNotFoundError):
        return Complaint.GONE
    if isinstance(error, PermissionError):
        return Complaint.FORBIDDEN
    return Complaint.OTHER


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it came from: the first that says something counts."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


@cache
def foreign_errors() -> tuple[type[BaseException], ...]:
    """Return what requests to an object store may raise."""
    kinds: list[type[BaseException]] = [OSError, TimeoutError]
    try:
        from aiohttp import ClientError as HttpError
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:  # a store of another kind
        return tuple(kinds)
    return (*kinds, BotoCoreError, ClientError, HttpError)
