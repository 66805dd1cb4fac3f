"""Tests of `model/mixing`."""
