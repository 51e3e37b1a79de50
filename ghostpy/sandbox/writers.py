"""An application at work: concurrent writers that remember what they committed.

They run in a process of their own, and can be asked afterwards which rows they expect, and how long each statement took.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.writer import Writer


class Writers:
    """The load's process. Start it, let it work, stop it and take what it committed."""

    def __init__(self, load: Load) -> None:
        self.load = load
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["ghostpy.sandbox.writer"])
        self._stop = context.Event()
        self._ready = context.Event()
        self._receive, send = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(
            target=_run, args=(load, self._ready, self._stop, send), name="ghostpy-writers", daemon=True
        )
        self._send = send

    def start(self) -> None:
        """Return once every writer has committed something."""
        self._process.start()
        self._send.close()
        if not self._ready.wait(60):
            raise RuntimeError("the writers did not start")

    def stop(self) -> Committed:
        """End the writers, and return what they committed."""
        self._stop.set()
        committed: Committed = self._receive.recv()
        self._process.join()
        self._receive.close()
        return committed

    def __enter__(self) -> Writers:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _run(load: Load, ready: Any, stop: Any, send: Connection) -> None:
    writers = [Writer(load, number) for number in range(load.threads)]
    threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    while not stop.is_set() and not all(writer.began for writer in writers):
        time.sleep(0.01)
    ready.set()
    for thread in threads:
        thread.join()
    whole = Committed()
    for writer in writers:
        whole.rows |= writer.done.rows
        whole.touched |= writer.done.touched
        whole.statements += writer.done.statements
        whole.errors += writer.done.errors
        times = [moment for moment in (whole.switched, writer.done.switched) if moment is not None]
        whole.switched = min(times) if times else None
    send.send(whole)
    send.close()
