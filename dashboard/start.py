"""What every page shares: title, style and the list of pages. `app.py` serves this script."""

from pathlib import Path

import streamlit as st

from dashboard import palette
from dashboard.state import address_bar
from dashboard.words import text

SCREENS = {
    "map": "screens/map.py",
    "trip": "screens/trip.py",
    "accuracy": "screens/accuracy/page.py",
    "feeds": "screens/feeds/page.py",
    "model": "screens/model/page.py",
}
"""The script of each screen, as a path from this folder."""


def main() -> None:
    """Set the stage, then run the page that the address names."""
    static = Path(__file__).parent / "static"
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
    st.set_page_config(page_title=page.title, page_icon=static / "icon.svg", layout="wide")
    st.html(static / "style.css")
    fills = enumerate((*palette.STEPS, palette.UNKNOWN), 1)
    rules = "".join(f".legend li:nth-child({place})::before{{background:{fill}}}" for place, fill in fills)
    rules += "".join(f".step{step}::before{{background:{fill}}}" for step, fill in enumerate(palette.STEPS))
    st.html(f"<style>{rules}</style>")
    page.run()


if __name__ == "__main__":
    main()
