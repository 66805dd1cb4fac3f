"""Tests of `ingest/city`."""
