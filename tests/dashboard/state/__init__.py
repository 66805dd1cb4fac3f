"""Tests of `dashboard/state`."""
