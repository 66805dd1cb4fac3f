"""What every page shares: title, style and the list of pages. `app.py` serves this script."""

import streamlit as st

from dashboard.components import legend
from dashboard.components.html import STATIC, stylesheet
from dashboard.state import address_bar
from dashboard.words import text

SCREENS = {
    "map": "screens/map.py",
    "trip": "screens/trip/page.py",
    "accuracy": "screens/accuracy/page.py",
    "feeds": "screens/feeds/page.py",
    "model": "screens/model/page.py",
}
"""The script of each screen, as a path from this folder."""


def main() -> None:
    """Set the stage, then run the page that the address names."""
    pages = {
        name: st.Page(
            SCREENS[name],
            title=text.TITLE if name == "map" else text.page_title(word),
            url_path=name,
            default=name == "map",
        )
        for name, word in text.PAGES.items()
    }
    page = st.navigation([*pages.values()], position="hidden")
    asked = address_bar.asked()
    if asked is not None:
        st.switch_page(pages[asked], query_params=address_bar.screen().address(asked))
    # An icon by name or emoji would be fetched from a stranger's server.
    st.set_page_config(page_title=page.title, page_icon=STATIC / "icon.svg", layout="wide")
    stylesheet("style.css")
    legend.colour_steps()
    page.run()


if __name__ == "__main__":
    main()
