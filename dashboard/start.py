"""What every page shares: title, style and the list of pages. `app.py` serves this script."""

from pathlib import Path

import streamlit as st

from dashboard import palette, state, text


def main() -> None:
    """Set the stage, then run the page that the address names."""
    static = Path(__file__).parent / "static"
    pages = {
        name: st.Page(f"pages/{name}.py", title=text.TITLE, default=True)
        if name == "map"
        else st.Page(f"pages/{name}.py", title=text.page_title(word))
        for name, word in text.PAGES.items()
    }
    page = st.navigation([*pages.values()], position="hidden")
    asked = state.asked()
    if asked is not None:
        st.switch_page(pages[asked], query_params=state.screen().address(asked))
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
