"""What the trip page says."""

from __future__ import annotations

from typing import Literal

from dashboard.words.catalogue import Message, PluralMessage, Words, mark, mark_plural, tr
from dashboard.words.formats import exactly, minutes, number
from dashboard.words.rules import What
from dashboard.words.shell import chance
from model.departures import PROMISE
from model.trip import (
    DETOUR,
    MISS_MINUTES,
    PLAIN_MINUTES,
    RIDING_KMH,
    WALKING_KMH,
    WALKING_LIMIT_MINUTES,
    Ride,
)

Side = Literal["start", "goal"]

ENDS: Words[Side] = Words({"start": mark("From", "place"), "goal": mark("To", "place")})
RIDERS = mark("Riders")
WHERE_YOU_ARE = mark("where you are")
CHANGE, SWAP = mark("Change"), "⇅"
SWAP_NAME = mark("Swap from and to")
SEARCH_OR_TOUCH = mark("Search, or touch the map")
ASK: Words[Side] = Words(
    {
        "start": mark("Where do you start? Search, touch a station on the map, or Near me."),
        "goal": mark("Where do you go? Search, or touch a station on the map."),
    }
)
HERE_UNKNOWN = mark("This trip starts where you are, which this page does not know yet. Touch Near me.")
END_GONE = mark("The place in the address is not known here. Choose another.")
SAME_PLACE = mark("Both ends are the same place: there is nothing to ride. Choose another place to go to.")
PLACES: Words[int] = Words(dict(enumerate((mark("Recommended"), mark("Next best"), mark("Third")))))
"""The heads of plans, best first."""

WHEN_TO_LEAVE, LEAVING = mark("When to leave"), mark("Leaving")
BY_LEAVING = mark("That both ends work, by time of leaving, in per cent")
DEPARTURES_ALT = mark(
    "Chance that both ends work, by the time of leaving; the words above say when it is best."
)
BOTH_WORK = mark("That both work: {chance}")
TRIP_ALT = mark(
    "Map of the trip: its ways and the stations near both ends; the words beside it say the same."
)
ONE_STATION = mark("The same station is nearest to both ends, and there is no other within reach.")
ROUND_TRIP = mark(
    "No plan: bikes here must come back to the station where you take them, so there is no trip to another."
)
SET_OUT, ARRIVE = mark("Set out from {place}"), mark("Arrive: {place}")

RIDE = mark("Ride")
RIDE_OPTION: Words[Ride] = Words(
    {
        "bike": mark("any bike"),
        "ebike": mark("e-bike"),
        "ebike_first": mark("e-bike first"),
        "plain_bike": mark("plain"),
    }
)

_MARKS = {
    "bike": mark_plural("Marks: chance of a bike at {time}.", "Marks: chance of {n} bikes at {time}."),
    "ebike": mark_plural("Marks: chance of an e-bike at {time}.", "Marks: chance of {n} e-bikes at {time}."),
    "plain_bike": mark_plural(
        "Marks: chance of a plain bike at {time}.", "Marks: chance of {n} plain bikes at {time}."
    ),
    "space": mark_plural("Marks: chance of a space at {time}.", "Marks: chance of {n} spaces at {time}."),
}
_MARKS_NEAR_ENDS = {
    "bike": mark_plural(
        "Marks near the start: chance of a bike when you get there. Near the end: of a space.",
        "Marks near the start: chance of {n} bikes when you get there. Near the end: of {n} spaces.",
    ),
    "ebike": mark_plural(
        "Marks near the start: chance of an e-bike when you get there. Near the end: of a space.",
        "Marks near the start: chance of {n} e-bikes when you get there. Near the end: of {n} spaces.",
    ),
    "plain_bike": mark_plural(
        "Marks near the start: chance of a plain bike when you get there. Near the end: of a space.",
        "Marks near the start: chance of {n} plain bikes when you get there. Near the end: of {n} spaces.",
    ),
}
_ODDS = {
    "bike": mark_plural("a bike: {chance}", "{n} bikes: {chance}"),
    "ebike": mark_plural("an e-bike: {chance}", "{n} e-bikes: {chance}"),
    "plain_bike": mark_plural("a plain bike: {chance}", "{n} plain bikes: {chance}"),
    "space": mark_plural("a space: {chance}", "{n} spaces: {chance}"),
}
_TAKE: dict[Ride, PluralMessage] = {
    "bike": mark_plural("Take a bike at {place}", "Take {n} bikes at {place}"),
    "ebike": mark_plural("Take an e-bike at {place}", "Take {n} e-bikes at {place}"),
    "ebike_first": mark_plural(
        "Take an e-bike at {place}; a plain one will do", "Take {n} e-bikes at {place}; plain ones will do"
    ),
    "plain_bike": mark_plural("Take a plain bike at {place}", "Take {n} plain bikes at {place}"),
}
_LEAVE = mark_plural("Leave it at {place}", "Leave them at {place}")
_NO_PAIR = {
    "bike": mark_plural(
        "No plan: no two stations within {minutes} min on foot of both ends may have a bike and a space.",
        "No plan: no two stations within {minutes} min on foot of both ends may have {n} bikes and {n} "
        "spaces.",
    ),
    "ebike": mark_plural(
        "No plan: no two stations within {minutes} min on foot of both ends may have an e-bike and a space.",
        "No plan: no two stations within {minutes} min on foot of both ends may have {n} e-bikes and {n} "
        "spaces.",
    ),
    "plain_bike": mark_plural(
        "No plan: no two stations within {minutes} min on foot of both ends may have a plain bike and a "
        "space.",
        "No plan: no two stations within {minutes} min on foot of both ends may have {n} plain bikes and {n} "
        "spaces.",
    ),
}
_NONE_KNOWN: dict[What, Message] = {
    "bike": mark(
        "No plan: nothing is known of bikes at the stations within {minutes} min on foot of where you start."
    ),
    "ebike": mark(
        "No plan: nothing is known of e-bikes at the stations within {minutes} min on foot of where you "
        "start."
    ),
    "plain_bike": mark(
        "No plan: nothing is known of plain bikes at the stations within {minutes} min on foot of where you "
        "start."
    ),
    "space": mark(
        "No plan: nothing is known of spaces at the stations within {minutes} min on foot of where you go."
    ),
}
_PROMISE = f"{100 * PROMISE:.0f}"
_LIMIT = f"{WALKING_LIMIT_MINUTES:.0f}"
_SPEEDS = {"walking": WALKING_KMH, "riding": RIDING_KMH, "detour": DETOUR}


def trip_settings(ride: Ride) -> str:
    """Write the settings that a plan rests on."""
    settings = tr(
        "Reckoned with {walking} km/h on foot and {riding} km/h by bike, on ways {detour} times as long as "
        "the crow's, and at most {minutes} min on foot at either end. Plans are weighed by their minutes, a "
        "miss counting as {miss}. Lines on the map are straight: streets are not looked at.",
        **{name: exactly(speed) for name, speed in _SPEEDS.items()},
        minutes=_LIMIT,
        miss=number(MISS_MINUTES),
    )
    if ride != "ebike_first":
        return settings
    plain = tr("A plain bike in place of an e-bike counts as {minutes} min.", minutes=number(PLAIN_MINUTES))
    return f"{settings} {plain}"


def best(at: str, per_cent: int) -> str:
    """Name the departure with the highest chance."""
    return tr("Best is {time}: {per_cent} %.", time=at, per_cent=per_cent)


def none_good(first: str, last: str) -> str:
    """Say that no departure is good."""
    return tr(
        "Leaving between {first} and {last}, the chance that both ends work stays below {promise} %.",
        first=first,
        last=last,
        promise=_PROMISE,
    )


def good_until(latest: str) -> str:
    """Say until when departures are good from now on."""
    return tr(
        "Leave by {latest}: until then both ends work with {promise} % or more.",
        latest=latest,
        promise=_PROMISE,
    )


def always_good(last: str) -> str:
    """Say that all departures that were looked at are good."""
    return tr("Leave any time until {last}: both ends work with {promise} % or more.", last=last,
              promise=_PROMISE)  # fmt: skip


def good_between(first: str, latest: str) -> str:
    """Say in which stretch departures are good."""
    return tr(
        "Leave between {first} and {latest}: then both ends work with {promise} % or more.",
        first=first,
        latest=latest,
        promise=_PROMISE,
    )


def leave_by(latest: str, there: str, per_cent: int) -> str:
    """Name the latest good departure that is there in time."""
    return tr(
        "Leave by {latest} to be there by {time}: both ends work with {per_cent} %.",
        latest=latest,
        time=there,
        per_cent=per_cent,
    )


def leave_then(at: str, per_cent: int) -> str:
    """Label the button that shows the plans of another departure."""
    return tr("Leave {time} · {per_cent} %", time=at, per_cent=per_cent)


def not_in_time(there: str, length: float) -> str:
    """Say that no trip ends in time."""
    return tr(
        "No trip is there by {time}: the quickest takes {duration} from door to door. Choose a later time.",
        time=there,
        duration=minutes(max(round(length), 1)),
    )


def change_end(side: Side, name: str) -> str:
    """Name the button that changes an end, for people who use a screen reader. Plain text."""
    if side == "start":
        return tr("Change from: {place}", place=name)
    return tr("Change to: {place}", place=name)


def marks_for_trip(what: What, riders: int, at: str) -> str:
    """Say what the marks mean while a trip's ends are chosen."""
    return _MARKS[what](riders, time=at)


def marks_near_ends(riders: int, taken: What) -> str:
    """Say what the marks of a trip's map mean."""
    return _MARKS_NEAR_ENDS[taken](riders)


def near_tooltip(name: int, bikes: int, docks: int, chance: int) -> str:
    """Make the tooltip of a mark on the trip map. The arguments are places in a row."""
    places = {"name": name, "bikes": bikes, "spaces": docks, "chance": chance}
    columns = {key: f"{{{column}}}" for key, column in places.items()}
    return tr("{name}\nnow: {bikes} bikes · {spaces} spaces\non your arrival, {chance}", **columns)


def odds(what: What, riders: int, per_cent: int) -> str:
    """Write how likely it is that all riders find what they want; 255 is no forecast.

    >>> odds("bike", 1, 62), odds("space", 3, 255)
    ('a bike: even · 62 %', '3 spaces: no forecast')
    """
    return _ODDS[what](riders, chance=chance(per_cent))


def walk_for(length: int) -> str:
    """Write a way on foot."""
    return tr("{duration} walk", duration=minutes(length))


def ride_for(length: int) -> str:
    """Write a way by bike."""
    return tr("{duration} ride", duration=minutes(length))


def take(riders: int, place: str, ride: Ride = "bike") -> str:
    """Write what to do at the pick-up.

    >>> take(3, "Quay"), take(1, "Quay", "ebike_first")
    ('Take 3 bikes at Quay', 'Take an e-bike at Quay; a plain one will do')
    """
    return _TAKE[ride](riders, place=place)


def leave(riders: int, place: str) -> str:
    """Write what to do at the drop-off.

    >>> leave(1, "Quay"), leave(2, "Quay")
    ('Leave it at Quay', 'Leave them at Quay')
    """
    return _LEAVE(riders, place=place)


def there_at(at: str) -> str:
    """Write when the rider arrives."""
    return tr("there at {time}", time=at)


def on_foot(length: float) -> str:
    """Write what walking all the way takes."""
    return tr("On foot all the way: {duration}.", duration=minutes(max(round(length), 1)))


def walk_instead(length: float) -> str:
    """Say that no plan is quicker than walking."""
    return tr(
        "Walk: on foot it is {duration} all the way, and no bike is quicker.",
        duration=minutes(max(round(length), 1)),
    )


def none_near(what: What) -> str:
    """Say that an end is too far from every station.

    >>> none_near("bike")
    'No plan: there is no station within 15 min on foot of where you start.'
    """
    if what == "bike":
        return tr(
            "No plan: there is no station within {minutes} min on foot of where you start.", minutes=_LIMIT
        )
    return tr("No plan: there is no station within {minutes} min on foot of where you go.", minutes=_LIMIT)


def none_open(what: What) -> str:
    """Say that everything near an end is closed."""
    if what == "bike":
        return tr(
            "No plan: every station within {minutes} min on foot of where you start is closed: "
            "no bikes handed out.",
            minutes=_LIMIT,
        )
    return tr(
        "No plan: every station within {minutes} min on foot of where you go is closed: no bikes taken back.",
        minutes=_LIMIT,
    )


def none_known(what: What) -> str:
    """Say that nothing is known near an end."""
    return _NONE_KNOWN[what](minutes=_LIMIT)


def no_pair(riders: int, taken: What) -> str:
    """Say that no pair of stations can have what the riders want."""
    return _NO_PAIR[taken](riders, minutes=_LIMIT)


def end_closed(name: str, what: What) -> str:
    """Say that a chosen station is closed, so that the plan is by way of another. Plain text."""
    if what == "bike":
        return tr("{station} is closed: no bikes handed out. The plan goes by another station.", station=name)
    return tr("{station} is closed: no bikes taken back. The plan goes by another station.", station=name)
