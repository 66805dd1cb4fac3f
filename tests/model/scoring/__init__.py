"""Tests of `model/scoring`."""
