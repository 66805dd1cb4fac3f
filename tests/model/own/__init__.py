"""Tests of the adapters of an own model."""
