"""Tests of `ingest/gbfs`."""
