"""Tests of `dashboard/components`."""
