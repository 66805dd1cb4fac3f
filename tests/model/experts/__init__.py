"""Tests of `model/experts`."""
