"""Charts: the only room that imports altair."""
