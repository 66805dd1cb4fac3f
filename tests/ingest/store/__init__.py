"""Tests of `ingest/store`."""
