"""Tests of `dashboard/web`."""
