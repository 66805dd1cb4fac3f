"""Fetches the weather at a system's centre from Open-Meteo: now and the next hours, hourly, without a key.

Forecasts can do without weather: a failure is logged and tried again later, and stops nothing.

References
----------
.. [1] https://open-meteo.com/en/docs: "precipitation: preceding hour sum"; the others are "instant".
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

import numpy as np

from ingest.http.client import Fetcher
from ingest.http.errors import FetchError
from model.records import WEATHER, Stations, Weather

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
_AGAIN = (timedelta(minutes=5), timedelta(hours=1))
"""The wait after one failure, and the longest wait after several."""

_NAMES = {
    "temperature": "temperature_2m",
    "humidity": "relative_humidity_2m",
    "pressure": "surface_pressure",
    "wind": "wind_speed_10m",
    "clouds": "cloud_cover",
    "rain": "precipitation",
}
_RAIN = WEATHER.index("rain")
_HOURS = {"past_hours": 2, "forecast_hours": 28}
"""Hours that a forecast of a day needs, if the next answer comes an hour or more later.

The first and the last stamp are ends of hours: n stamps tell the rain of n - 1 hours.
"""


class WeatherError(Exception):
    """An answer that is no weather. The text says what it is."""


class WeatherFeed:
    """Fetches one system's weather when it is due; for one thread at a time.

    `url` is Open-Meteo's forecast address, or that of a server like it. Feeds that share a `turn` ask no more
    at a time than it admits: a poll that is one too many gives None, and the next one tries again.
    """

    def __init__(
        self,
        system_id: str,
        url: str,
        fetcher: Fetcher,
        clock: Callable[[], datetime],
        turn: threading.Semaphore | None = None,
    ) -> None:
        self._system_id = system_id
        self._url = url
        self._fetcher = fetcher
        self._clock = clock
        self._turn = turn or threading.Semaphore()
        self._due_at: datetime | None = None
        self._failures = 0

    def poll(self, stations: Stations) -> Weather | None:
        """Give the weather at the stations; None when it is not due or the service gives none."""
        now = self._clock()
        where = address(self._url, stations)
        if where is None or (self._due_at is not None and now < self._due_at):
            return None
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self._ask(where, now)
        finally:
            self._turn.release()

    def _ask(self, where: str, now: datetime) -> Weather | None:
        try:
            document = self._fetcher.get(where, named=self._url)
            assert document is not None  # asked without a condition
            weather = read(document.body)
        except (FetchError, WeatherError) as error:
            wait = min(_AGAIN[0] * 2**self._failures, _AGAIN[1])
            if not self._failures:
                log.info(
                    "%s: no weather, %s; next try in %.0f min", self._system_id, error, wait.seconds / 60
                )
            self._failures = min(self._failures + 1, 5)
            self._due_at = now + wait
            return None
        if self._failures:
            log.info("%s: weather again", self._system_id)
        self._failures, self._due_at = 0, now + EVERY
        return weather


def address(url: str, stations: Stations) -> str | None:
    """Give the address of the weather at the stations' centre, to a kilometre; None without a position."""
    placed = np.flatnonzero(np.isfinite(stations.lat) & (np.abs(stations.lat) + np.abs(stations.lon) > 1e-6))
    if not len(placed):
        return None
    lat, lon = (round(float(np.median(side[placed])), 2) for side in (stations.lat, stations.lon))
    asked = {"latitude": lat, "longitude": lon, "hourly": ",".join(_NAMES.values()), **_HOURS}
    units = {"wind_speed_unit": "ms", "timeformat": "unixtime"}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(asked | units, safe=',')}"


def read(body: bytes) -> Weather:
    """Read Open-Meteo's answer.

    Raises `WeatherError` when it is none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise WeatherError("what came is not JSON") from None
    hourly = document.get("hourly") if isinstance(document, dict) else None
    if not isinstance(hourly, dict):
        reason = document.get("reason") if isinstance(document, dict) else None
        raise WeatherError(f"the server says: {reason}"[:200] if reason else "the answer has no hours in it")
    try:
        hours = np.array(hourly["time"], dtype=np.int64)
        columns = [_column(hourly.get(_NAMES[name]), len(hours)) for name in WEATHER]
        return _rain_of_each_hour(Weather(hours, np.column_stack(columns)))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise WeatherError(f"the hours cannot be read: {error}") from None


def _rain_of_each_hour(stamped: Weather) -> Weather:
    """Put the rain into the hour in which it fell: stamped 14:00, it fell between 13:00 and 14:00 [1]_.

    All else is of the moment of its stamp. So each hour becomes two rows, its first second and its last, with
    the same rain; values between two rows are interpolated. The hour after the last stamp has no rain told.
    """
    if len(stamped.hours) < 2:
        return stamped
    firsts, lasts = stamped.hours[:-1], stamped.hours[1:] - 1
    moments = np.column_stack([firsts, lasts]).ravel()
    values = np.column_stack([np.interp(moments, stamped.hours, column) for column in stamped.values.T])
    values[:, _RAIN] = np.repeat(stamped.values[1:, _RAIN], 2)
    return Weather(moments, values)


def _column(values: object, size: int) -> np.ndarray:
    if values is None:
        return np.full(size, np.nan)
    column = np.array(values, dtype=np.float64)  # null becomes not a number
    if column.shape != (size,):
        raise ValueError(f"a column has {column.size} values for {size} hours")
    return np.where(np.isfinite(column), column, np.nan)
