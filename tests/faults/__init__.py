"""Faults of feeds, clock, store and processes."""
