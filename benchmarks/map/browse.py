"""Measures in a browser: time to the first map, and to new colours after a move, by the draw calls."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, WebSocket, sync_playwright

FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-background-networking"]

HOOK = """
window.draws = [];
const kind = WebGL2RenderingContext.prototype;
for (const name of ['drawArraysInstanced', 'drawElementsInstanced']) {
  const draw = kind[name];
  kind[name] = function (...args) {
    window.draws.push([args[args.length - 1], performance.now()]);
    return draw.apply(this, args);
  };
}
window.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
"""
"""Notes the time of a draw call with that many instances: one scatterplot is one call."""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "chromium-headless-shell")
        installed = next(filter(None, map(shutil.which, names)), None)
        browser = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        yield browser
        browser.close()


def watch(browser: Browser, address: str, points: int, moves: int = 5) -> dict[str, float]:
    """Open a page with an empty cache, wait for all its points, then move the slider a few times."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.add_init_script(HOOK)
    frames: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: frames.append(_size(data)))
        socket.on("framesent", lambda data: frames.append(_size(data)))

    page.on("websocket", listen)
    page.goto(address, wait_until="commit")
    page.wait_for_function(f"window.draws.some(([n]) => n >= {points})", timeout=60_000)
    first = float(page.evaluate(f"window.draws.find(([n]) => n >= {points})[1]"))
    page.wait_for_timeout(1500)
    slider = page.get_by_role("slider")
    slider.focus()
    times, sizes = [], []
    for _ in range(moves):
        frames.clear()
        page.keyboard.press("ArrowRight")
        drawn = f"window.draws.filter(([n, at]) => n >= {points} && at > window.pressed)"
        page.wait_for_function(f"{drawn}.length > 0", timeout=60_000)
        times.append(float(page.evaluate(f"{drawn}[0][1] - window.pressed")))
        page.wait_for_timeout(1000)
        sizes.append(sum(frames))
    context.close()
    times.sort()
    sizes.sort()
    return {
        "ms to first map": first,
        "ms to new colours": times[len(times) // 2],
        "bytes a move, both ways": sizes[len(sizes) // 2],
    }


def _size(data: Any) -> int:
    return len(data) if isinstance(data, bytes) else len(data.encode())
