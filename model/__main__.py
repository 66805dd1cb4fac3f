"""Compiles the forecaster's kernels, so that the first forecast need not wait: `make install` runs it."""

from __future__ import annotations

from model.warm_up import warm_up

if __name__ == "__main__":
    warm_up()
