"""Tests of `dashboard/charts`."""
