"""Tests of `dashboard/maps`."""
