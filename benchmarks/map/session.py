"""A viewer without a browser: speaks Streamlit's websocket protocol and counts what goes over it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect


@dataclass
class Answer:
    """The answer to one message: seconds until its script had ended, bytes either way."""

    seconds: float
    sent: int
    received: int


@dataclass
class Session:
    """One viewer of a page. Knows its slider, and the fragments that the browser has to run again."""

    url: str
    query: str = ""
    widgets: dict[str, Any] = field(default_factory=dict)
    refreshes: dict[str, float] = field(default_factory=dict)
    slider: str = ""
    slider_fragment: str = ""
    page_hash: str = ""
    maps: int = 0
    _socket: ClientConnection | None = None

    async def __aenter__(self) -> Session:
        self._socket = await connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            compression=None,  # Streamlit's own default
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._socket is not None
        await self._socket.close()

    async def open(self) -> Answer:
        """Load the page as a browser does."""
        answer = await self._run("", refresh=False)
        if not self.slider or not self.maps:
            raise RuntimeError(f"no map with a slider came from {self.url}")
        return answer

    async def move(self, minutes: int) -> Answer:
        """Move the slider."""
        self.widgets[self.slider].double_array_value.data[:] = [minutes]
        before = self.maps
        answer = await self._run(self.slider_fragment, refresh=False)
        if self.maps == before:
            raise RuntimeError("a move brought no map")
        return answer

    async def refresh(self, fragment: str) -> Answer:
        """Run a fragment again, as the browser does by itself at intervals."""
        return await self._run(fragment, refresh=True)

    async def _run(self, fragment: str, refresh: bool) -> Answer:
        assert self._socket is not None
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.fragment_id, run.is_auto_rerun = self.query, fragment, refresh
        run.page_script_hash = self.page_hash
        run.widget_states.widgets.extend(self.widgets.values())
        packed = message.SerializeToString()
        start = time.perf_counter()
        await self._socket.send(packed)
        received = 0
        while True:
            raw = await self._socket.recv()
            assert isinstance(raw, bytes)
            received += len(raw)
            reply = ForwardMsg.FromString(raw)
            self._read(reply)
            if reply.WhichOneof("type") == "script_finished":
                if reply.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                return Answer(time.perf_counter() - start, len(packed), received)

    def _read(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.page_hash = message.new_session.page_script_hash
        elif kind == "auto_rerun":
            self.refreshes[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            of = element.WhichOneof("type")
            if of == "slider":
                self.slider, self.slider_fragment = element.slider.id, message.delta.fragment_id
                if self.slider not in self.widgets:
                    state = BackMsg().rerun_script.widget_states.widgets.add(id=self.slider)
                    state.double_array_value.data[:] = element.slider.default
                    self.widgets[self.slider] = state
            elif of == "deck_gl_json_chart":
                self.maps += 1
            elif of == "exception":
                raise RuntimeError(element.exception.message)
