"""Maps: the only room that imports pydeck."""
