"""Tests of `dashboard/api`."""
