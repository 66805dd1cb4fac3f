"""Tests of `ingest/cli`."""
