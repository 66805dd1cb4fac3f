"""Recordings and made-up cities, played in the app or served as GBFS."""
