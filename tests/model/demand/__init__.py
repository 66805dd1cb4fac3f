"""Tests of `model/demand`."""
