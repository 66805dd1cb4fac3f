"""Tests of the forecaster."""
