"""What every page shares: title, style and the list of pages. `app.py` serves this script."""

from pathlib import Path

import streamlit as st

from dashboard import palette, text


def main() -> None:
    """Set the stage, then run the page that the address names."""
    static = Path(__file__).parent / "static"
    # An icon by name or emoji would be fetched from a stranger's server.
    st.set_page_config(page_title=text.TITLE, page_icon=static / "icon.svg", layout="wide")
    st.html(static / "style.css")
    fills = enumerate((*palette.STEPS, palette.UNKNOWN), 1)
    rules = "".join(f".legend li:nth-child({place})::before{{background:{fill}}}" for place, fill in fills)
    st.html(f"<style>{rules}</style>")
    st.navigation([st.Page("pages/map.py", title=text.TITLE, default=True)], position="hidden").run()


if __name__ == "__main__":
    main()
