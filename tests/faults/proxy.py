"""A real network between the program and a server that a test can cut, slow down, or swallow everything on."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE = 16_384


class Proxy:
    """Forwards connections to `(host, port)`; all of its faults can be switched while it works, and hold for what comes later, too."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self.delay = 0.0
        """Seconds that each piece takes more, in each direction."""
        self.rate = 0.0
        """Bytes a second, of each direction of each connection; 0: as many as go."""
        self._swallowing = threading.Event()
        self._refusing = False
        self._cut_at: bytes | None = None
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def turn_to(self, host: str, port: int) -> None:
        """Who comes from now on is let through to another server."""
        self._target = host, port

    def cut(self) -> None:
        """Reset every connection that there is."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    # RST and not FIN: neither side hears a goodbye.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def cut_at(self, words: bytes) -> None:
        """End the connection of the next client that sends them, before they arrive."""
        self._cut_at = words

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody is let in for the length of a block."""
        self._refusing = True
        self.cut()
        try:
            yield
        finally:
            self._refusing = False

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Nothing comes through for the length of a block, and nobody is told; what was sent meanwhile comes afterwards."""
        self._swallowing.set()
        try:
            yield
        finally:
            self._swallowing.clear()

    def close(self) -> None:
        self._listener.close()
        self._swallowing.clear()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self._refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.add((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_PIECE):
                if self._cut_at and self._cut_at in data:
                    self._cut_at = None
                    return
                if self.delay:
                    time.sleep(self.delay)
                if self.rate:
                    time.sleep(len(data) / self.rate)
                while self._swallowing.is_set():
                    time.sleep(0.02)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            # One side has gone: so has the other.
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """A proxy for the length of a block."""
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
