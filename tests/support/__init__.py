"""Worlds, servers and helpers that tests share."""
