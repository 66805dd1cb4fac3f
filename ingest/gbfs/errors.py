"""What makes a poll fail. A poll that fails brings nothing; the last good snapshot stays.

FeedError                       any error below
├── FetchFailed                 a document could not be fetched: its reason is that of the `FetchError`
├── DocumentError               a document cannot be used this time
│   ├── EmptyDocument           it has no bytes
│   ├── WebPage                 it is a web page
│   ├── TooDeeplyNested         it is nested more deeply than the parser can go
│   ├── Truncated               it breaks off in the middle
│   ├── NotJson                 it is not JSON
│   ├── NotGbfs                 it is JSON, but no object
│   ├── NoStationList           it has no list of stations
│   └── NoStationsNow           its list of stations is empty
├── NoUsableStation             no station has an id and a position
├── NothingInCommon             station status names no station of the station information
├── NoCounts                    no station has a number of bikes
├── TooManyStations             there are more stations than one feed may have
├── NotDiscovery                the system's address does not lead to a discovery document
├── NoFeeds                     the discovery document names no feed
├── NoStationInformation        the discovery document names no station information
├── NoStationStatus             the discovery document names no station status
├── NoStations                  the system has no stations
└── NoBicycles                  the system has no bicycles
"""

# ruff: noqa: N818 - the base classes say that they are errors

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from ingest.http.errors import FetchError, Unreachable
from ingest.reason import ReasonedError

FeedState = Literal["unreachable", "refused"]
DocumentName = Literal[
    "discovery_document",
    "station_information",
    "station_status",
    "system_information",
    "vehicle_types",
    "system_hours",
    "system_calendar",
]


class FeedError(ReasonedError):
    """A poll that failed.

    `state` is "unreachable" where no usable answer came this time. It is "refused" where the operator does
    not let us read, or has nothing to read, until someone acts.
    """

    state: FeedState = "refused"


class FetchFailed(FeedError):
    """A document that the poll needs could not be fetched."""

    def __init__(self, error: FetchError) -> None:
        Exception.__init__(self, str(error))
        self.state = "unreachable" if isinstance(error, Unreachable) else "refused"
        self.reason = error.reason
        self.outcome = error.outcome
        self.retry_after = error.retry_after


class DocumentError(FeedError):
    """A document that cannot be used this time. The template has its name in words, the reason as it is."""

    state = "unreachable"

    def __init__(self, document: DocumentName) -> None:
        super().__init__(document=document)
        self.document = document

    def __str__(self) -> str:
        return self.template.format(document=self.document.replace("_", " "))


class EmptyDocument(DocumentError):
    """A document without a byte."""

    kind = "empty_document"
    template = "the {document} came without a single byte"


class WebPage(DocumentError):
    """A web page in place of a document, as a server's error page or a login page."""

    kind = "web_page"
    template = "a web page came instead of the {document}"


class TooDeeplyNested(DocumentError):
    """A document that is nested more deeply than the parser can go."""

    kind = "nested"
    template = "the {document} is nested too deeply to be read"


class Truncated(DocumentError):
    """A document that breaks off in the middle."""

    kind = "truncated"
    template = "the {document} breaks off in the middle"


class NotJson(DocumentError):
    """A document that is not JSON."""

    kind = "not_json"
    template = "the {document} is not valid JSON"


class NotGbfs(DocumentError):
    """JSON that is no object."""

    kind = "not_gbfs"
    template = "the {document} is not a GBFS document"


class NoStationList(DocumentError):
    """A document of stations without a list of them."""

    kind = "no_station_list"
    template = "the {document} has no list of stations"
    counted_as = "not_gbfs"


class NoStationsNow(DocumentError):
    """An empty list of stations. Boulder sent one seven times a day: it was an outage, not the end."""

    kind = "no_stations_now"
    template = "the {document} came without a single station"


class NoUsableStation(FeedError):
    """Station information in which no station has an id and a position."""

    kind = "no_usable_station"
    template = "the station information has no station with an id and a position"
    counted_as = "no_stations_now"
    state = "unreachable"


class NothingInCommon(FeedError):
    """Station status that names no station of the station information."""

    kind = "nothing_in_common"
    template = "station status and information have no station in common"
    counted_as = "no_counts"
    state = "unreachable"


class NoCounts(FeedError):
    """Station status in which no station has a number of bikes."""

    kind = "no_counts"
    template = "the feed tells no station's number of bikes"
    state = "unreachable"


class TooManyStations(FeedError):
    """More stations than one feed may have."""

    kind = "too_many_stations"
    template = "there are {stations} stations, more than the {most} that one feed may have"


class NotDiscovery(FeedError):
    """The system's address does not lead to a discovery document."""

    kind = "not_discovery"
    template = "the address does not lead to a GBFS discovery document"
    counted_as = "not_gbfs"


class NoFeeds(FeedError):
    """A discovery document that names no feed at all."""

    kind = "no_feeds"
    template = "the discovery document names no feed at a web address"


class NoStationInformation(NoFeeds):
    """A discovery document that names no station information."""

    kind = "no_station_information"
    template = "the discovery document names no station information"
    counted_as = "no_feeds"


class NoStationStatus(NoFeeds):
    """A discovery document that names no station status, or no language with both station feeds."""

    kind = "no_station_status"
    template = "the discovery document names no station status"
    counted_as = "no_feeds"


class NoStations(FeedError):
    """A system of free-floating bikes. It is polled again in six hours, in case it gets stations."""

    kind = "no_stations"
    template = "the system has no stations: its bikes float freely, and nothing can be forecast"

    def __init__(self, *, retry_after: timedelta | None = timedelta(hours=6)) -> None:
        super().__init__(retry_after=retry_after)


class NoBicycles(FeedError):
    """A system of cars or scooters alone. It is polled again in six hours, in case it gets bicycles."""

    kind = "no_bicycles"
    template = "the system has no bicycles: all that it rents is cars, scooters or the like"

    def __init__(self, *, retry_after: timedelta | None = timedelta(hours=6)) -> None:
        super().__init__(retry_after=retry_after)
