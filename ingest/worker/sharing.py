"""Divide the systems among the live workers. Each worker computes the same division from the same tables.

Rendezvous hashing gives each system an order of the workers that depends on their names alone. So where a
worker joins or leaves, most systems stay where they are [1]_. By that alone one of two workers may hold twice
as much as the other, since cities differ in size. So what a worker holds is bounded [2]_: large systems
choose first, and where a system's first choice is full, it goes to its next. That costs moves: counted in
stations one to one and a half times the least for 400 systems, twice the least for 30 on nine workers.

.. [1] Thaler, Ravishankar: Using name-based mappings to increase hit rates. IEEE/ACM Trans. Netw. 6, 1998.
.. [2] Mirrokni, Thorup, Zadimoghaddam: Consistent hashing with bounded loads. SODA 2018.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b

BOUND = 1.1
"""The most that a worker holds, as a multiple of an even share."""


def share(sizes: Mapping[str, int], workers: Collection[str]) -> dict[str, str]:
    """Give the worker of each system. A size is a number of stations; below 1 it counts as 1.

    With n workers none holds more than `BOUND` times the mean where no system has more than a tenth of all
    stations, divided by n - 1. A system that is larger than an even share is alone on its worker, and the
    others share the rest. Costs O(systems * workers).

    >>> share({"dublin": 115, "cork": 31, "galway": 31, "limerick": 23}, ["one", "two"])
    {'dublin': 'one', 'galway': 'two', 'cork': 'two', 'limerick': 'two'}
    """
    ordered = sorted(((max(size, 1), system_id) for system_id, size in sizes.items()), reverse=True)
    held = dict.fromkeys(sorted(workers), 0)
    most, found = BOUND * _even([size for size, _ in ordered], len(held)), {}
    for size, system_id in ordered:
        order = sorted(held, key=lambda worker: _score(worker, system_id), reverse=True)
        room = (worker for worker in order if held[worker] + size <= most)
        found[system_id] = chosen = next(room, None) or min(order, key=held.__getitem__)
        held[chosen] += size
    return found


def _even(sizes: list[int], workers: int) -> float:
    """Give what each worker holds of these sizes, largest first, beside systems larger than that.

    >>> _even([90, 10, 10, 10], 2), _even([40, 40, 40], 2)
    (30.0, 60.0)
    """
    total = float(sum(sizes))
    for size in sizes[: workers - 1]:
        if size * workers <= total:
            break
        total, workers = total - size, workers - 1
    return total / workers


def _score(worker: str, system_id: str) -> bytes:
    return blake2b(f"{worker}\0{system_id}".encode(), digest_size=8).digest()
