"""What all pages share: title, style and the list of pages. `app.py` serves this script."""

import streamlit as st

from dashboard.components import legend
from dashboard.components.html import STATIC, stylesheet
from dashboard.state import address_bar, language
from dashboard.state.pages import HOME, PAGES
from dashboard.words import shell as shell_words


def main() -> None:
    """Set up the page, then run the script of the one that the address names."""
    language.adopt()
    pages = {
        name: st.Page(
            entry.script,
            title=shell_words.TITLE if name == HOME else shell_words.page_title(entry.title()),
            url_path=name,
            default=name == HOME,
        )
        for name, entry in PAGES.items()
    }
    page = st.navigation([*pages.values()], position="hidden")
    requested = address_bar.asked()
    if requested is not None:
        st.switch_page(pages[requested], query_params=address_bar.screen().address(requested))
    # An icon by name or emoji would be fetched from a stranger's server.
    st.set_page_config(page_title=page.title, page_icon=STATIC / "icon.svg", layout="wide")
    stylesheet("style.css")
    legend.colour_steps()
    page.run()


if __name__ == "__main__":
    main()
