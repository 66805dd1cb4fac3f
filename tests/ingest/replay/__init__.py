"""Tests of `ingest/replay`."""
