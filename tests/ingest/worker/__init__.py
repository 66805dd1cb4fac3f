"""Tests of `ingest/worker`."""
