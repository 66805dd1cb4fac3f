"""Tests of `ingest/weather`."""
