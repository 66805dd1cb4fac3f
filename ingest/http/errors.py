"""What may go wrong when a document is fetched.

FetchError                      any error below: there is no document
├── Unreachable                 no usable answer; likely to pass, try again later
│   ├── UnknownHost             the host's name does not resolve
│   ├── NoConnection            the connection broke
│   │   └── NotListening        the host accepts no connections
│   ├── TlsFailure              no safe connection: certificate or protocol
│   ├── TooSlow                 not done within the time allowed
│   │   └── NoAnswer            the host did not answer, or fell silent
│   ├── TooManyRequests         HTTP 429
│   └── ServerError             HTTP 5xx
└── Refused                     an answer, but no document; likely to stay so until someone acts
    ├── KeyNeeded               HTTP 401 or 403
    ├── NotFound                HTTP 404 or 410: perhaps the address has moved
    ├── UnexpectedStatus        any other status
    ├── TooLarge                more bytes than a document may have
    ├── Garbled                 compression that does not unpack
    ├── BadRedirect             a redirect to something that is no address
    │   ├── RedirectNotHttp     a redirect to an address that is not http or https
    │   ├── CircularRedirect    a redirect back to an address that has redirected already
    │   └── TooManyRedirects    a long chain of redirects
    ├── PrivateAddress          a public feed that leads into the operator's own network
    └── BadAddress              not an http or https address
        └── BadHost             an address whose host is not a name
"""

from __future__ import annotations

from ingest.reason import ReasonedError


class FetchError(ReasonedError):
    """A document that cannot be fetched, for a reason that no class below names."""

    kind = "fetch"
    template = "{host} could not be read: {error}"


class Unreachable(FetchError):  # noqa: N818
    """No usable answer: catch it to wait and try again."""


class UnknownHost(Unreachable):
    """The host's name does not resolve: there is no network, or no such host."""

    kind = "unknown_host"
    template = "{host} cannot be found: no network, or no such host"


class NoConnection(Unreachable):
    """The connection broke before the document was complete."""

    kind = "no_connection"
    template = "the connection to {host} broke"


class NotListening(NoConnection):
    """The host accepts no connections."""

    kind = "not_listening"
    template = "{host} does not accept connections"
    counted_as = "no_connection"


class TlsFailure(Unreachable):
    """The certificate or the protocol is not to be trusted, so nothing was read."""

    kind = "tls"
    template = "no safe connection to {host}: its certificate or TLS is not in order"


class TooSlow(Unreachable):
    """Not done within the time allowed for a whole document."""

    kind = "too_slow"
    template = "{host} took longer than {seconds:g} seconds"


class NoAnswer(TooSlow):
    """The host did not answer, or sent nothing more, within the time allowed for that."""

    kind = "no_answer"
    template = "{host} does not answer in time"
    counted_as = "too_slow"


class TooManyRequests(Unreachable):
    """HTTP 429: wait for `retry_after`, or back off where it is None."""

    kind = "too_many_requests"
    template = "{host} says that we ask too often (HTTP 429)"


class ServerError(Unreachable):
    """HTTP 5xx."""

    kind = "server_error"
    template = "{host} has trouble of its own (HTTP {status})"


class Refused(FetchError):  # noqa: N818
    """An answer, but no document: catch it to inform the operator."""


class KeyNeeded(Refused):
    """HTTP 401 or 403: the feed needs a key, or does not admit us."""

    kind = "key_needed"
    template = "{host} wants a key, or does not let us read (HTTP {status})"


class NotFound(Refused):
    """HTTP 404 or 410: catch it to look up the document's present address in discovery."""

    kind = "not_found"
    template = "{host} has no document at this address (HTTP {status})"


class UnexpectedStatus(Refused):
    """A status that does not come with a document."""

    kind = "unexpected_status"
    template = "{host} answered HTTP {status} instead of a document"


class TooLarge(Refused):
    """More bytes than a document may have, packed or unpacked."""

    kind = "too_large"
    template = "the document has more than {megabytes:g} MB"


class Garbled(Refused):
    """The body's compression does not unpack."""

    kind = "garbled"
    template = "{host} sent a document whose compression does not unpack"


class BadRedirect(Refused):
    """A redirect to something that is no address."""

    kind = "bad_redirect"
    template = "{host} redirects to no address"


class RedirectNotHttp(BadRedirect):
    """A redirect to an address that is not http or https."""

    kind = "redirect_not_http"
    template = "{address} is no http or https address"
    counted_as = "bad_redirect"


class CircularRedirect(BadRedirect):
    """A redirect back to an address that has redirected already."""

    kind = "circular_redirect"
    template = "{host} redirects in a circle"
    counted_as = "bad_redirect"


class TooManyRedirects(BadRedirect):
    """A chain of redirects that is longer than any good one."""

    kind = "too_many_redirects"
    template = "{host} redirects more than {hops} times"
    counted_as = "bad_redirect"


class PrivateAddress(Refused):
    """A feed named an address that is not on the public internet."""

    kind = "private_address"
    template = "{address} lies in a private network, where no public feed is read"


class BadAddress(Refused):
    """Not an http or https address."""

    kind = "bad_address"
    template = "{address} is no http or https address"


class BadHost(BadAddress):
    """An address whose host is not a name."""

    kind = "bad_host"
    template = "{host} is no name of a host"
    counted_as = "bad_address"
