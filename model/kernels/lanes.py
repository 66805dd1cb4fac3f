"""What all kernels share: how they are compiled, and how stations lie side by side in them.

A kernel works on a block of L stations. Its arrays are `(N, L)`, counts before stations, so that one
instruction of the processor serves many stations. Kernels use one thread and no `fastmath`: the same input
gives the same floats on every run and on every processor.

What was compiled is kept in a folder beside this file, or in `NUMBA_CACHE_DIR`. Numba compiles a file anew
when that file changes, but not when another one does whose functions it calls. So the folder's name has a
digest of all files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeVar

from numba import config, njit
from numba.np import linalg

LANES = 64
"""The most stations of a block."""


def _no_blas() -> None:
    raise ImportError("no kernel multiplies matrices")


# To be able to, Numba would load SciPy where it is installed: a fifth of a second.
linalg.ensure_blas = _no_blas

Function = TypeVar("Function", bound=Callable[..., Any])


def _name_the_folder() -> str:
    here = files(__package__)
    sources = sorted(each.name for each in here.iterdir() if each.name.endswith(".py"))
    digest = sha256(b"".join((here / name).read_bytes() for name in sources)).hexdigest()
    folder = config.CACHE_DIR or here / "__pycache__"  # type: ignore[attr-defined]
    config.CACHE_DIR = f"{folder}/kernels-{digest[:16]}"  # type: ignore[attr-defined]
    return f"{folder}/kernels-{digest[:16]}"


_FOLDER = _name_the_folder()


@cache
def _is_kept() -> bool:
    """Tell whether compiled kernels can be kept in the folder."""
    try:
        kept = str(njit(cache=True)(_name_the_folder).stats.cache_path).startswith(_FOLDER)
    except RuntimeError:
        kept = False
    if not kept:
        logging.getLogger(__name__).warning(
            "compiled forecasts cannot be kept in %s, so each start takes longer. "
            "Name a folder that this user may write to in NUMBA_CACHE_DIR.",
            _FOLDER,
        )
    return kept


def compiled(function: Function) -> Function:
    """Compile a function at its first call, or load what an earlier process compiled."""
    made: Any = njit(cache=_is_kept(), error_model="numpy", nogil=True)(function)
    kernel: Function = made
    return kernel


@compiled
def block_lanes(stations: int) -> int:
    """Give how many lanes the next block has, where so many stations are left.

    It is decided at run time: where the compiler knows the number, it unrolls the loops over the lanes and
    then cannot use vector instructions.
    """
    return min(stations, LANES)
