# SPDX-License-Identifier: MIT
"""TCP connections that carry random bytes, each of which is verified."""

import random
import socket
import threading
import time

_BLOCK = random.Random(1).randbytes(1 << 20)


def transfer(near, far, address, family, blocks):
    """Send `blocks` MiB from the node `near` to an address of `far`; they must arrive complete and unchanged."""
    listener = far.call(lambda: socket.create_server((address, 0), family=family))
    client = near.call(lambda: socket.create_connection(listener.getsockname()[:2], timeout=120))
    with listener, client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        server, _ = listener.accept()
        server.settimeout(120)

        def send():
            for _ in range(blocks):
                client.sendall(_BLOCK)
            client.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        count = 0
        with server:
            while chunk := server.recv(1 << 18):
                at = count % len(_BLOCK)
                whole = _BLOCK[at : at + len(chunk)] + _BLOCK[: max(0, at + len(chunk) - len(_BLOCK))]
                assert chunk == whole, f"different bytes after {count}"
                count += len(chunk)
        thread.join()
    assert count == blocks * len(_BLOCK), f"{count} of {blocks * len(_BLOCK)} bytes arrived"


class Stream:
    """Bulk TCP from one member to the other, and when its bytes arrived."""

    def __init__(self, near, far, address):
        self.listener = far.call(lambda: socket.create_server((address, 0)))
        self.client = near.call(lambda: socket.create_connection(self.listener.getsockname()[:2], timeout=120))
        self.server, _ = self.listener.accept()
        self.server.settimeout(120)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        self.arrivals = [time.monotonic()]
        self.count = self.sent = 0
        self.wrong = False
        self._stop = False
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive)]
        for thread in self._threads:
            thread.start()

    def _send(self):
        block = bytes(range(256)) * 256
        while not self._stop:
            self.client.sendall(block)
            self.sent += len(block)
            time.sleep(0.005)  # 100 Mbit/s are enough, and other tests share the host
        self.client.shutdown(socket.SHUT_WR)

    def _receive(self):
        pattern = bytes(range(256)) * 2048
        while chunk := self.server.recv(1 << 18):
            at = self.count % 256
            self.wrong |= chunk != pattern[at : at + len(chunk)]
            self.count += len(chunk)
            self.arrivals.append(time.monotonic())

    def finish(self):
        """Return: the longest time in which nothing arrived."""
        self._stop = True
        for thread in self._threads:
            thread.join()
        for sock in (self.client, self.server, self.listener):
            sock.close()
        assert self.count == self.sent and not self.wrong, f"{self.count} of {self.sent} bytes arrived"
        return max(b - a for a, b in zip(self.arrivals, self.arrivals[1:]))

    def longest_since(self, when):
        """Return: the longest silence after `when`, up to now."""
        times = [when, *[t for t in self.arrivals if t > when], time.monotonic()]
        return max(b - a for a, b in zip(times, times[1:]))
