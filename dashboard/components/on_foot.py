"""On foot from here: each station is judged at the viewer's own arrival there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from dashboard import nearby
from dashboard.components import browser
from dashboard.components.html import tag, together
from dashboard.components.page_shell import label
from dashboard.maps import deck
from dashboard.maps.deck import FramePart, Viewport
from dashboard.outlook import at_horizon, chances, side
from dashboard.state import address_bar
from dashboard.store_reader import StoreReader, View
from dashboard.words import formats, rules
from dashboard.words import on_foot as on_foot_words
from dashboard.words import shell as shell_words
from model.arrays import Bools, Floats
from model.globe import kilometres
from model.trip import Point

_BEST = 3
_FURTHER = 1e-5
"""Degrees by which the opening view differs at each touch: the browser goes to a view that is another one."""


@dataclass(frozen=True)
class Walker:
    """A viewer who walks: the place, its file of rows, and the minutes on foot to each station `(S,)`."""

    place: Point
    part: FramePart
    walk: Floats

    def best(self, view: View) -> list[int]:
        """Choose the best stations by chance on arrival and by nearness, as the list orders them."""
        assert view.frame is not None
        screen = address_bar.screen().for_frame(view.frame)
        chance = chances(view.frame, screen.what, screen.n, 0)
        order = nearby.order(chance, self.walk, np.zeros(len(self.walk), np.bool_))[:_BEST]
        return [int(row) for row in order if chance[row] <= 100]

    def near(self) -> Bools:
        """Tell which stations are within half an hour `(S,)`."""
        return np.asarray(self.walk <= nearby.FAR_MINUTES)


def distance(view: View) -> float | None:
    """Give the kilometres from the viewer's place to the nearest station; None where it is not known."""
    here = browser.here()
    if here is None or view.frame is None or not len(view.frame.stations):
        return None
    return float(kilometres(here, (view.frame.stations.lat, view.frame.stations.lon)).min())


def set_out(source: StoreReader, view: View) -> tuple[View, int | None, Walker | None]:
    """Read a view for the chosen moment: that of setting out, where the viewer's place is known and not far.

    Gives the view with one horizon, its place, and who walks; None for nobody.
    """
    ahead, here, away = address_bar.ahead(address_bar.screen(), view.now), browser.here(), distance(view)
    if here is None or away is None or away > rules.FAR_KM:
        return *source.moment(view, ahead), None
    assert view.frame is not None
    walk = nearby.walks(here, view.frame.stations.lat, view.frame.stations.lon)
    minutes = nearby.whole_minutes(walk)
    walked, horizon = source.on_foot(view, minutes, ahead)
    if horizon is None or walked.frame is None:
        return view, None, None
    start = int(walked.frame.minutes[0, 0] - minutes[0])
    return walked, horizon, Walker(here, deck.on_foot(browser.place_name(), start, here), walk)


def arrival(view: View, row: int) -> str:
    """Write when somebody who walks arrives at a station."""
    assert view.frame is not None
    return formats.moment(at_horizon(view.frame, 0, row), view.now, view.zone)


def best(view: View, walker: Walker) -> Markup:
    """Offer the best stations: minutes on foot, time of arrival, expected number and chance."""
    assert view.frame is not None
    frame = view.frame
    screen = address_bar.screen().for_frame(frame)
    chance, median = chances(frame, screen.what, screen.n, 0), side(frame, screen.what).median[0]
    items = []
    for row in walker.best(view):
        walk, many, per_cent = float(walker.walk[row]), int(median[row]), int(chance[row])
        words = on_foot_words.station(walk, arrival(view, row), many, screen.what)
        odds = tag(
            "span", tag("span", f"{shell_words.chance_word(per_cent)} · ", cls="word"),
            formats.share(per_cent / 100), cls=f"odds step{rules.step(per_cent)}",
        )  # fmt: skip
        said = together(tag("b", str(frame.stations.name[row])), tag("span", words, " · ", odds))
        items.append(tag("li", browser.button("station", said, identity=str(frame.stations.station_id[row]))))
    stop = browser.button("away", on_foot_words.STOP_SHORT, name=on_foot_words.STOP())
    return tag("section", tag("ol", *items), stop, cls="foot", aria_label=on_foot_words.HEAD())


def opening(view: View, walker: Walker, city: Viewport, pixels: tuple[int, int]) -> Viewport:
    """Fit the viewer and the best stations into so many pixels, with the marks of the city's own view."""
    assert view.frame is not None
    rows = walker.best(view)
    lat, lon = (
        np.array([here, *degrees[rows]])
        for here, degrees in zip(
            walker.place, (view.frame.stations.lat, view.frame.stations.lon), strict=True
        )
    )
    around = deck.viewport(lat, lon, round(0.75 * pixels[0]), round(0.75 * pixels[1]))
    metres_per_pixel = 40_075_017 * float(np.cos(np.radians(around.latitude))) / 512 / 2**around.zoom
    further = _FURTHER * browser.touches()
    return replace(
        around, latitude=around.latitude + further, longitude=around.longitude + further,
        zoom=around.zoom + further,
        radius_metres=round(min(city.radius_metres, deck.MARK * metres_per_pixel), 1),
    )  # fmt: skip


def elsewhere(source: StoreReader, view: View) -> Markup:
    """Offer the nearest followed city to somebody who is far from every station of this one."""
    here, away = browser.here(), distance(view)
    if here is None or away is None or away <= rules.FAR_KM:
        return together()
    found = source.nearest_city(here, view.system.system_id)
    offer = together()
    if found is not None and found[1] < away:
        offer = browser.button(
            "feed", on_foot_words.nearest(label(found[0]), found[1]), identity=found[0].system_id
        )
    return tag("p", on_foot_words.far(away), cls="note", role="status") + offer
