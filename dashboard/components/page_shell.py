"""What all pages share on screen: title, navigation, city picker, notices."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from hashlib import sha1
from urllib.parse import urlencode

import streamlit as st
from markupsafe import Markup
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.components import browser, kiosk, playback_control, which_city
from dashboard.components.html import show, tag
from dashboard.outlook import kinds_until
from dashboard.state import address_bar
from dashboard.state.pages import PAGES, path
from dashboard.store_reader import StoreReader, View, reader
from dashboard.words import catalogue, formats, languages
from dashboard.words import shell as shell_words
from dashboard.words.catalogue import current
from dashboard.words.feed_errors import feed_error
from dashboard.words.rules import What
from ingest.system import System
from model.frame import AT_LEAST
from model.trip import Ride

PICKER_SECONDS = 10

DRAWN_ANEW_SECONDS = 3
"""The wait after which a page that failed is drawn again."""

SOON = timedelta(seconds=15)
"""The wait until the next try from which on a page offers to try at once."""


def enter(page: str) -> System | None:
    """Draw title, navigation and pickers, and give back the city on screen; None where none is followed."""
    source = reader()
    address_bar.adopt(page)
    systems = source.store.systems.followed()
    if not systems:
        nothing_followed()
        return None
    system = which_city.chosen(systems, source.store.systems.states())
    if address_bar.screen().kiosk:
        kiosk.mount(page)
        return system
    header, navigation = st.columns([1, 2], vertical_alignment="bottom")
    with header:
        show(title())
    with navigation, st.container(horizontal=True, key="navigation"):
        show(pages(page, system.system_id))
        city_picker(system.system_id)
        playback_control.control(system)
        show(language_switch())
    if system.is_played:
        with st.container(key="staging"):
            st.fragment(playback_control.staging, run_every=playback_control.STAGING_SECONDS)(system)
    browser.mount(system.system_id)
    return system


def often(system: System, least: float = 2, most: float = 10) -> float:
    """Give the seconds between two looks at a city's counts.

    A feed at 60 times the speed changes each second, and nobody can follow more than one change in `least`.
    """
    return min(max(system.poll_seconds, least), most)


def title() -> Markup:
    """Write the name and the purpose of the app."""
    return tag("h1", shell_words.TITLE, cls="title") + tag("p", shell_words.SUBTITLE(), cls="subtitle")


def pages(current: str, system_id: str) -> Markup:
    """Link the pages, with all choices in the addresses.

    The component listens for a touch, so that the page changes without a reload and with the newest choices.
    The address is there for a new tab, and for people who check where a link leads.
    """
    links = []
    for page, entry in PAGES.items():
        query = urlencode(replace(address_bar.ready_for(page), city=system_id).address(page))
        address = f"{path(page)}?{query}"
        here = "page" if page == current else None
        links.append(tag("a", entry.title(), href=address, data_do=f"page:{page}", aria_current=here))
    return tag("nav", *links, cls="pages", aria_label=shell_words.NAVIGATION())


def language_switch() -> Markup:
    """Offer all languages, each by its own name. The component keeps the choice in the browser."""
    spoken = current().code
    options = (
        tag(
            "option", languages.own_name(locale),
            value=code, lang=code, selected="" if code == spoken else None,
        )
        for code, locale in languages.offered(catalogue.FOLDER).items()
    )  # fmt: skip
    short = tag("span", spoken.partition("-")[0].upper(), aria_hidden="true")
    select = tag("select", *options, aria_label=shell_words.LANGUAGE(), data_language="")
    return tag("label", short, select, cls="language")


def phone() -> bool:
    """Tell whether the viewer's browser calls itself one of a phone."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


@st.fragment(run_every=2)
def nothing_followed() -> None:
    """Say why there is nothing to choose from, until there is."""
    source = reader()
    if source.store.systems.followed():
        st.rerun()
    show(title())
    if source.has_worker():
        notice(shell_words.NO_SYSTEMS(), shell_words.NO_SYSTEMS_HINT())
    else:
        notice(shell_words.NOTHING_YET(), shell_words.NOTHING_HINT())


def label(system: System) -> str:
    return shell_words.city(system.name, system.city, system.label)


def how_many(name: str) -> Markup:
    """Ask how many bikes or spaces are needed."""
    options = {number: formats.count(number) for number in AT_LEAST}
    return browser.choices(name, "n", options, address_bar.screen().n)


@st.fragment(run_every=PICKER_SECONDS)
def city_picker(current: str) -> None:
    """Choose a city; each entry shows how its feed is doing. The browser reports the choice to `browser.act`.

    It is the browser's own list: with Streamlit's the first map came later.
    """
    source = reader()
    systems, states = source.store.systems.followed(), source.store.systems.states()
    if not systems:
        st.rerun()
    labels: dict[str, str] = {}
    for system in systems:
        known = states.get(system.system_id)
        words = shell_words.picked(label(system), known.state if known else "waiting", system.label)
        labels[system.system_id] = words if words not in labels.values() else f"{words} · {system.system_id}"
    options = (
        tag("option", words, value=system_id, selected="" if system_id == current else None)
        for system_id, words in labels.items()
    )
    show(tag("select", *options, aria_label=shell_words.CITY(), data_do="feed", cls="city"))
    if address_bar.screen().city in labels and address_bar.screen().city != current:
        st.rerun()


def warn(source: StoreReader, view: View, *, spaces: bool) -> None:
    """Show notices about what is missing or wrong; `spaces` where the page is about spaces too."""
    which_city.notes(source, view)
    name, feed = label(view.system), view.state
    if view.frame is None:
        has_worker = source.has_worker()
        if not has_worker and source.is_preparing():
            notice(shell_words.PREPARING(), shell_words.PREPARING_HINT())
            return
        more = (
            shell_words.NO_WORKER_YET()
            if not has_worker
            else shell_words.OTHERS()
            if source.has_frame()
            else shell_words.NONE_YET()
        )
        learning = has_worker and view.system.is_made_up and feed.state == "waiting"
        words = shell_words.waiting(name, feed.state, feed_error(feed.reason), view.next_in)
        if learning:
            staging = source.staging(view.system)
            words = shell_words.learning_month(name, staging is not None and staging.kind == "nothing")
        notice(words, more)
        way_on(source, view)
        return
    wrong = shell_words.trouble(name, feed.state, feed_error(feed.reason), view.next_in)
    if view.horizon(0) is None:
        at = formats.moment(view.frame.at, view.now, view.zone)
        notice(shell_words.too_old(name, at, view.age), wrong or "")
    elif view.horizon(address_bar.ahead(address_bar.screen(), view.now)) is None:
        assert view.reach is not None
        notice(shell_words.beyond(formats.moment(view.reach, view.now, view.zone)), wrong or "")
    elif wrong:
        notice(wrong)
    elif view.stale:
        notice(shell_words.stale(view.age))
    if wrong:
        way_on(source, view)
    late = view.next_in is not None and view.next_in < -timedelta(seconds=max(30, view.system.poll_seconds))
    if late and (absent := no_worker(source)):
        notice(absent)
    if not len(view.frame.stations):
        notice(shell_words.NO_STATIONS())
    elif spaces and (view.frame.docks < 0).all():
        notice(shell_words.NO_DOCKS())


def warn_of_kinds(view: View, wanted: What | Ride) -> None:
    """Show a notice where the wanted kind of bikes is not told apart, or not forecast so far ahead."""
    frame = view.frame
    if frame is None or not len(frame.stations) or wanted in ("bike", "space"):
        return
    until, horizon = kinds_until(frame), view.horizon(address_bar.ahead(address_bar.screen(), view.now))
    if until is None:
        notice(shell_words.NO_KINDS())
    elif horizon is not None and horizon > until:
        reach = frame.at + timedelta(minutes=until)
        notice(shell_words.beyond_kinds(formats.moment(reach, view.now, view.zone)))


def way_on(source: StoreReader, view: View) -> None:
    """Offer to try a feed that failed before it is due, and cities that have answered where it has no map."""
    if address_bar.screen().kiosk:
        return
    failed = view.state.failures > 0 and not view.system.is_played and source.has_worker()
    buttons = []
    if failed and source.is_asked_for(view.state):
        buttons.append(tag("span", shell_words.TRIED_SOON(), cls="note", role="status"))
    elif failed and view.next_in is not None and view.next_in > SOON:
        buttons.append(browser.button("try", shell_words.TRY_NOW(), identity=view.system.system_id))
    if view.frame is None:
        buttons += which_city.buttons(which_city.answered(source))
    if buttons:
        show(tag("p", *buttons, cls="actions"))


def no_worker(source: StoreReader) -> str:
    """Say why nothing new comes in: no worker is at work, or it prepares. Nothing where one is at work."""
    if source.has_worker():
        return ""
    return shell_words.PREPARING() if source.is_preparing() else shell_words.NO_WORKER()


def broken() -> None:
    """Say that a page failed. Its fragments run again by themselves; what is no fragment is drawn anew."""
    st.error(shell_words.BROKEN())
    run = get_script_run_ctx()
    if run is None or not run.fragment_ids_this_run:
        draw_anew(time.monotonic())


@st.fragment(run_every=DRAWN_ANEW_SECONDS)
def draw_anew(failed_at: float) -> None:
    """Draw the whole page again, some seconds after it failed."""
    if time.monotonic() > failed_at + DRAWN_ANEW_SECONDS / 2:
        st.rerun()


def notice(first: str, second: str = "") -> None:
    """Show a notice. It is plain text: it may quote the answer of a feed's server."""
    with st.container(border=True, key=f"notice-{sha1(first.encode()).hexdigest()[:8]}"):
        st.text(first)
        if second:
            st.caption(second)
