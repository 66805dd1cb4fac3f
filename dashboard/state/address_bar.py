"""The viewer's choices, kept in the session and in the address bar.

Streamlit can bind widgets to query parameters. It would write labels there ("Dublin · dublinbikes · live")
and accept `in=7` as it is. So the values go through this module instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from time import monotonic
from typing import Any, Literal, cast, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.state.pages import HOME, PAGES
from dashboard.words import accuracy, languages
from dashboard.words.rules import Direction, What
from ingest.store import Days, hours_of, ranges
from model.frame import AT_LEAST, Frame
from model.records import ANY, KINDS
from model.scoring.issue import SCORED_MINUTES
from model.trip import Ride

MINUTES = tuple(range(0, 121, 5))
"""The arrival times to choose from."""

LATEST = timedelta(hours=24)
"""How far ahead a rider may ask."""

PRESET = 15
"""Minutes from now that a page opens with."""

Measure = Literal["mae", "rmse", "crps", "brier_bike", "brier_dock"]
Past = Literal["hours", "day", "week", "month", "year", "all"]
Third = Literal["all", "quiet", "middle", "busy"]

MODELS = accuracy.BEST_KNOWN
"""The models that the accuracy page opens with."""

HERE = "here"
"""Stands for the viewer's place as a trip's start. The place itself never goes into the address."""

_WRITTEN = {
    "minutes": "in", "direction": "by", "start": "from", "goal": "to", "horizon": "ahead",
    "everywhere": "all", "third": "stations",
}  # fmt: skip
"""Names of choices in the address, where they are not the field's name."""

_MOST_MODELS = len(accuracy.MODELS) + 2
"""All models, and two that an earlier release had."""

_AT = "%Y%m%dT%H%MZ"
_KEY = "screen"
_SEEN = "screen-address"
_OPENED = "screen-opened-address"
_MENDED = "screen-mended-address"
_GUESS = "screen-guess"
_STARTED = "screen-start-from-map"
_PAGE = "screen-page"
_GO = "screen-next-page"
_BEFORE = "minutes-before"
_LATE_SECONDS = 3.0
_WIDGETS = (
    "minutes", "horizon", "measure", "past", "models", "everywhere", "days", "hours",
    "third", "beside", "kind",
)  # fmt: skip


@dataclass(frozen=True)
class Screen:
    """The choices that make a screen. `city` and `station` are ids, "" for none chosen.

    A trip's `start` and `goal` are "" or a text that `dashboard.itinerary.end` reads. The rider is at the
    station `minutes` from now, or else `at` a fixed moment; a trip begins then, or ends by then. `what` is
    wanted on the map, and a trip is to `ride` a bike of that kind.
    Accuracy is that of `days`, of `hours` as `written` writes them, and of a `third` of the stations by how
    much their counts move; the city `beside`, "" for none, stands next to it. It is that of the forecasts of
    one `kind` of bikes, or of any bike.
    `kiosk` runs by itself, see `dashboard.screens.kiosk`. `lang` is the code of the
    language that the address asks for, "" where it leaves that to the viewer.
    """

    city: str = ""
    station: str = ""
    what: What = "bike"
    n: int = 1
    minutes: int = PRESET
    at: datetime | None = None
    direction: Direction = "leave"
    ride: Ride = "bike"
    start: str = ""
    goal: str = ""
    horizon: int = 30
    measure: Measure = "mae"
    past: Past = "day"
    models: tuple[str, ...] = MODELS
    everywhere: bool = False
    days: Days = "all"
    hours: str = ""
    third: Third = "all"
    beside: str = ""
    kind: str = ANY
    kiosk: bool = False
    lang: str = ""

    @classmethod
    def from_address(cls, query: Mapping[str, str]) -> Screen:
        """Read an address. A missing or senseless value becomes the default.

        >>> screen = Screen.from_address({"city": "dublin", "n": "300", "in": "26", "models": "pool,seed"})
        >>> screen.city, screen.what, screen.n, screen.minutes, screen.models
        ('dublin', 'bike', 4, 25, ('pool', 'seed'))
        """
        what, ride, measure, past, days, third = (
            query.get(name, "") for name in ("what", "ride", "measure", "past", "days", "stations")
        )
        horizon = _whole(query.get("ahead"), cls.horizon)
        models = tuple(dict.fromkeys(name for name in query.get("models", "").split(",") if name))
        return cls(
            city=query.get("city", ""),
            station=query.get("station", ""),
            what=cast(What, what if what in get_args(What) else "bike"),
            n=min(max(_whole(query.get("n"), 1), AT_LEAST[0]), AT_LEAST[-1]),
            minutes=min(max(5 * round(_whole(query.get("in"), PRESET) / 5), MINUTES[0]), MINUTES[-1]),
            at=moment(query.get("at", "")),
            direction="arrive" if query.get("by") == "arrive" else "leave",
            ride=cast(Ride, ride if ride in get_args(Ride) else cls.ride),
            start=query.get("from", ""),
            goal=query.get("to", ""),
            horizon=horizon if horizon in SCORED_MINUTES else cls.horizon,
            measure=cast(Measure, measure if measure in get_args(Measure) else cls.measure),
            past=cast(Past, past if past in get_args(Past) else cls.past),
            models=models[:_MOST_MODELS] or MODELS,
            everywhere=query.get("all") == "1",
            days=cast(Days, days if days in get_args(Days) else cls.days),
            hours=written(query.get("hours", "")) or "",
            third=cast(Third, third if third in get_args(Third) else cls.third),
            beside=query.get("beside", ""),
            kind=query["kind"] if query.get("kind") in KINDS else ANY,
            kiosk=query.get("kiosk") == "1",
            lang=languages.match(query.get("lang", "")),
        )

    def address(self, page: str = HOME) -> dict[str, str]:
        """Write a page's query parameters, without choices that are not made.

        >>> Screen(city="dublin", n=2, minutes=25).address()
        {'city': 'dublin', 'what': 'bike', 'n': '2', 'in': '25'}
        >>> Screen(city="dublin", start="s1", goal="s2").address("trip")
        {'city': 'dublin', 'from': 's1', 'to': 's2', 'n': '1', 'in': '15'}
        >>> Screen(city="dublin", minutes=90, direction="arrive").address("trip")
        {'city': 'dublin', 'n': '1', 'in': '90', 'by': 'arrive'}
        >>> Screen(city="dublin", ride="ebike_first").address("trip")
        {'city': 'dublin', 'ride': 'ebike_first', 'n': '1', 'in': '15'}
        >>> Screen(city="dublin", horizon=60).address("accuracy")
        {'city': 'dublin', 'ahead': '60', 'measure': 'mae', 'past': 'day'}
        >>> Screen(city="dublin", kiosk=True).address("feeds")
        {'city': 'dublin', 'kiosk': '1'}
        >>> Screen(city="dublin", lang="en").address("model")
        {'city': 'dublin', 'lang': 'en'}
        """
        words: dict[str, str] = {name: str(getattr(self, name)) for name in ("city", *PAGES[page].choices)}
        words |= {"kiosk": "1" if self.kiosk else "", "lang": self.lang}
        if "at" in words:
            words["at"] = "" if self.at is None else f"{self.at:{_AT}}"
            words["minutes"] = words["minutes"] if self.at is None else ""
        if "direction" in words:
            words["direction"] = self.direction if self.direction == "arrive" else ""
        if "ride" in words:
            words["ride"] = "" if self.ride == "bike" else self.ride
        if "models" in words:
            words["models"] = "" if self.models == MODELS else ",".join(self.models)
            words["everywhere"] = "1" if self.everywhere else ""
            words |= {name: "" for name in ("days", "third") if words[name] == "all"}
            words["kind"] = self.kind if self.kind != ANY else ""
        return {_WRITTEN.get(name, name): value for name, value in words.items() if value}

    def for_frame(self, frame: Frame) -> Screen:
        """Give the choices as a frame can show them: bikes of any kind where it does not tell kinds apart."""
        what: What = self.what if self.what in frame.outlooks else "bike"
        return replace(self, what=what, ride="bike" if frame.ebike is None else self.ride)


def written(hours: str) -> str | None:
    """Write ranges of hours in one way; None where they are none.

    >>> written("16:00–18:00, 7 - 9"), written("0-24"), written("noon")
    ('7-9,16-18', '', None)
    """
    try:
        return ",".join(f"{first}-{last}" for first, last in ranges(hours_of(hours)))
    except ValueError:
        return None


def ahead(screen: Screen, now: datetime) -> float:
    """Give the minutes until the chosen moment. Instead of one past or too far off, those from now count."""
    if screen.at is None or not is_later(screen, now):
        return screen.minutes
    return (screen.at - now) / timedelta(minutes=1)


def is_later(screen: Screen, now: datetime) -> bool:
    """Tell whether the screen is for a fixed moment that can be forecast."""
    return screen.at is not None and now <= screen.at <= now + LATEST


def viewer_zone() -> tzinfo | None:
    """Give the viewer's own time zone; None where the browser does not send it."""
    try:
        return ZoneInfo(st.context.timezone or "")
    except (LookupError, ValueError, OSError):
        offset = st.context.timezone_offset
        return None if offset is None else timezone(-timedelta(minutes=offset))


def moment(value: str) -> datetime | None:
    """Read a moment as an address has it; None where it is none."""
    try:
        at = datetime.strptime(value, _AT).replace(tzinfo=UTC)
    except ValueError:
        return None
    # Of the year 226 only three digits are written, which read back are part of another year.
    return at if f"{at:{_AT}}" == value else None


def _whole(value: str | None, default: int) -> int:
    try:
        # A number of a million digits is refused by int() itself.
        return int(value) if value is not None else default
    except ValueError:
        return default


def adopt(page: str = HOME) -> None:
    """Take over an address that the viewer opened, edited, or went back to.

    Call it in runs of the whole script alone. A fragment that refreshes itself may come with the address from
    before the viewer's last move, which would undo that move. An address does not hold the choices of other
    pages, so these stay while the city does. Streamlit changes page and address one after the other. A viewer
    who goes back may meet the state between: an address without this page's own choices. Then these stay too.
    """
    query, before = st.query_params.to_dict(), st.session_state.get(_KEY)
    # Until the browser has mended an address, it comes with the one that was opened.
    seen = query == st.session_state.get(_SEEN) or query == st.session_state.get(_OPENED)
    if before is None or not seen or page != shown():
        new_screen = Screen.from_address(query)
        if before is not None and before.city == new_screen.city:
            own, others = PAGES[page].choices, PAGES[shown()].choices
            new = [name for name in own if page != shown() and name not in others]
            if any(_WRITTEN.get(name, name) in query for name in new):
                new = []
            kept = [name for entry in PAGES.values() for name in entry.choices if name not in own] + new
            new_screen = replace(new_screen, **{name: getattr(before, name) for name in kept})
        st.session_state[_KEY] = new_screen
        st.session_state[_SEEN] = query
        st.session_state[_PAGE] = page
        if before is None or before.city != new_screen.city:
            st.session_state.pop(_GUESS, None)
        st.session_state.pop(_OPENED, None)
        st.session_state.pop(_MENDED, None)
        if query and new_screen.address(page) != query:
            _mend(new_screen)
        _set_widgets()


def screen() -> Screen:
    """Give this viewer's choices."""
    return cast(Screen, st.session_state[_KEY])


def shown() -> str:
    """Give the name of the page on this viewer's screen."""
    return str(st.session_state.get(_PAGE, HOME))


def go(page: str) -> None:
    """Request another page: the next run of the whole script switches to it."""
    if page not in PAGES:
        return
    st.session_state[_GO] = page
    if page == "trip" and page != shown():
        st.session_state[_KEY] = ready_for(page)
        st.session_state[_STARTED] = screen().start


def ready_for(page: str) -> Screen:
    """Give the choices that another page begins with.

    A trip starts at the station that was chosen on the map, unless a start was chosen for the trip.
    """
    now = screen()
    free = now.start in ("", st.session_state.get(_STARTED))
    if page != "trip" or page == shown() or not now.station or not free or now.station == now.goal:
        return now
    return replace(now, start=now.station)


def asked() -> str | None:
    """Take the requested page; None where there is none, or it is on screen already."""
    page: str | None = st.session_state.pop(_GO, None)
    return page if page != shown() else None


def set_out_now() -> None:
    """Choose now, in the slider too."""
    st.session_state[_BEFORE] = screen().minutes, monotonic()
    change(minutes=0, at=None)
    st.session_state[_widget("minutes")] = 0


def is_from_before(minutes: int) -> bool:
    """Tell whether the slider reports what it was before `set_out_now`, beside a touch of something else."""
    before, at = st.session_state.get(_BEFORE, (None, 0.0))
    return bool(minutes == before and monotonic() - at < _LATE_SECONDS)


def move(city: str) -> None:
    """Switch to another city, and drop the choices of this city's stations."""
    st.session_state.pop(_GUESS, None)
    change(city=city, station="", start="", goal="")


def settle(city: str) -> None:
    """Take a city that nobody has chosen, in place of none in the address or of one that is not known.

    The stations of an unknown city are dropped: another city may have the same ids.
    """
    before = screen()
    settled = replace(before, city=city)
    if before.city:
        settled = replace(settled, station="", start="", goal="")
    st.session_state[_GUESS] = (city, before.city)
    st.session_state[_KEY] = settled
    _mend(settled)


def guess() -> tuple[str, str]:
    """Give the city that nobody has chosen, and the unknown one that the address named; "" for none."""
    return cast("tuple[str, str]", st.session_state.get(_GUESS, ("", "")))


def mended() -> dict[str, Any]:
    """Give the query that was opened, and the one that the browser is to put in its place; empty for none."""
    if _MENDED not in st.session_state:
        return {}
    return {"opened": st.session_state[_OPENED], "right": st.session_state[_MENDED]}


def change(**choices: Any) -> None:
    """Change some of the choices, and the address with them."""
    changed = replace(screen(), **choices)
    if changed != screen():
        st.session_state[_KEY] = changed
        _write(changed)


def clear() -> None:
    """Drop all choices but city and language, as where a page is opened for the first time."""
    fresh = Screen(city=screen().city, lang=screen().lang)
    change(**{field.name: getattr(fresh, field.name) for field in fields(Screen)})
    _set_widgets()


def drop(name: str) -> None:
    """Take back a choice that cannot be had, before its widget is drawn."""
    change(**{name: getattr(Screen(), name)})
    st.session_state[_widget(name)] = getattr(screen(), name)


def _set_widgets() -> None:
    """Have every widget show the choices that there are."""
    for name in _WIDGETS:
        st.session_state[_widget(name)] = getattr(screen(), name)


def _mend(screen: Screen) -> None:
    """Have the browser put a right address in the place of the one that was opened.

    Streamlit would add the right one to the history. Back would then lead to the wrong one, and from there
    forward again.
    """
    st.session_state[_OPENED] = st.query_params.to_dict()
    st.session_state[_SEEN] = screen.address(shown())
    st.session_state[_MENDED] = urlencode(screen.address(shown()))


def _write(screen: Screen) -> None:
    st.session_state.pop(_OPENED, None)
    st.session_state.pop(_MENDED, None)
    st.session_state[_SEEN] = screen.address(shown())
    st.query_params.from_dict(screen.address(shown()))


def take(name: str) -> None:
    """Take over a widget's new value. An emptied widget gets its old value back."""
    chosen = st.session_state[_widget(name)]
    chosen = tuple(chosen) if isinstance(chosen, list) else chosen
    if chosen is None or chosen == ():
        st.session_state[_widget(name)] = getattr(screen(), name)
    else:
        change(**{name: chosen})


def key(name: str) -> str:
    """Give the key of a choice's widget, and set its value: Streamlit forgets undrawn widgets."""
    if _widget(name) not in st.session_state:
        st.session_state[_widget(name)] = getattr(screen(), name)
    return _widget(name)


def _widget(name: str) -> str:
    return f"choice-{name}"
