"""What may go wrong when a document is fetched.

FetchError                  anything below: the document could not be had
├── Unreachable             no usable answer; likely to pass, try again later
│   ├── UnknownHost         the host's name does not resolve
│   ├── NoConnection        nobody listens there, or the line broke
│   ├── TlsFailure          no safe connection: certificate or protocol
│   ├── TooSlow             not done within the time allowed
│   ├── TooManyRequests     HTTP 429
│   └── ServerError         HTTP 5xx
└── Refused                 an answer, but no document; likely to stay so until someone acts
    ├── KeyNeeded           HTTP 401 or 403
    ├── NotFound            HTTP 404 or 410: perhaps the address has moved
    ├── UnexpectedStatus    any other status
    ├── TooLarge            more bytes than a document may have
    ├── Garbled             compression that does not unpack
    ├── BadRedirect         a loop, a long chain, or one that leads nowhere
    ├── PrivateAddress      a public feed pointed into the operator's own network
    └── BadAddress          no http(s) address at all
"""

from __future__ import annotations

from datetime import timedelta


class FetchError(Exception):
    """A document that could not be had. `words` are for people, `kind` for tables."""

    kind = "fetch"

    def __init__(self, words: str, retry_after: timedelta | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.retry_after = retry_after


class Unreachable(FetchError):  # noqa: N818
    """No usable answer: catch it to wait and try again."""

    kind = "unreachable"


class UnknownHost(Unreachable):
    """The host's name does not resolve: there is no network, or no such host."""

    kind = "unknown_host"


class NoConnection(Unreachable):
    """Nobody listens there, or the line broke before the document was complete."""

    kind = "no_connection"


class TlsFailure(Unreachable):
    """The certificate or the protocol is not to be trusted, so nothing was read."""

    kind = "tls"


class TooSlow(Unreachable):
    """Not done within the time allowed, however alive the server seemed."""

    kind = "too_slow"


class TooManyRequests(Unreachable):
    """HTTP 429: wait for `retry_after`, or back off where it is None."""

    kind = "too_many_requests"


class ServerError(Unreachable):
    """HTTP 5xx."""

    kind = "server_error"


class Refused(FetchError):  # noqa: N818
    """An answer, but no document: catch it to tell the operator."""

    kind = "refused"


class KeyNeeded(Refused):
    """HTTP 401 or 403: the feed wants a key, or does not want us."""

    kind = "key_needed"


class NotFound(Refused):
    """HTTP 404 or 410: catch it to look up in discovery where the document is now."""

    kind = "not_found"


class UnexpectedStatus(Refused):
    """A status that a document does not come with."""

    kind = "unexpected_status"


class TooLarge(Refused):
    """More bytes than a document may have, packed or unpacked."""

    kind = "too_large"


class Garbled(Refused):
    """The body's compression does not unpack."""

    kind = "garbled"


class BadRedirect(Refused):
    """A redirect that goes in a circle, on and on, or nowhere."""

    kind = "bad_redirect"


class PrivateAddress(Refused):
    """A feed named an address that is not on the public internet."""

    kind = "private_address"


class BadAddress(Refused):
    """Not an http(s) address."""

    kind = "bad_address"
