"""Tests of `ingest/http`."""
