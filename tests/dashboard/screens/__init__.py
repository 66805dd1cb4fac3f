"""Tests of `dashboard/screens`."""
