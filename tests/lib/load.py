# SPDX-License-Identifier: MIT
"""Bulk TCP connections between two nodes, and the round trips of a ping beside them."""

import re
import socket
import threading
import time

RATE = 20_000_000  # bits per second of a narrow link


def narrow(node, ifname, buffer_ms, rate=RATE):
    """Limit what the node sends on an interface, with a buffer of so many milliseconds in front of it."""
    node.run("tc", "qdisc", "replace", "dev", ifname, "root", "tbf", "rate", f"{rate}bit", "burst", "4k",
             "latency", f"{buffer_ms}ms")


def widen(node, ifname):
    """End narrow()."""
    node.run("tc", "qdisc", "del", "dev", ifname, "root")


class Bulk:
    """`count` connections over which `near` sends to an address of `far` as fast as it can. A context manager."""

    def __init__(self, near, far, address, count=4):
        self.received = [0] * count
        self._stop = False
        self._listener = far.call(lambda: socket.create_server((address, 0)))
        port = self._listener.getsockname()[1]
        self._sockets, self._threads = [], []
        for number in range(count):
            client = near.call(lambda: socket.create_connection((address, port), timeout=120))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
            server, _ = self._listener.accept()
            self._sockets += [client, server]
            self._threads.append(threading.Thread(target=self._send, args=(client,)))
            self._threads.append(threading.Thread(target=self._receive, args=(server, number)))
        for thread in self._threads:
            thread.start()

    def _send(self, client):
        block = bytes(1 << 16)
        try:
            while not self._stop:
                client.sendall(block)
        except OSError:
            pass  # closed by the end

    def _receive(self, server, number):
        try:
            while chunk := server.recv(1 << 16):
                self.received[number] += len(chunk)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop = True
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join()
        for sock in (*self._sockets, self._listener):
            sock.close()


def round_trips(node, target, seconds, interval=0.02):
    """Return: the round trips of a ping, sorted, in milliseconds; what was lost counts as infinite."""
    count = int(seconds / interval)
    out = node.ping(target, count=count, interval=interval, timeout=2).out
    times = [float(t) for t in re.findall(r"time=([\d.]+)", out)]
    return sorted(times) + [float("inf")] * (count - len(times))


def quantile(values, percent):
    return values[min(len(values) - 1, len(values) * percent // 100)]


class Result:
    """What measure() has found: idle and loaded round trips, the rate, and the share of each connection in percent."""

    def __init__(self, idle, loaded, received, seconds):
        self.idle, self.loaded = idle, loaded
        self.rate = sum(received) * 8 / seconds
        self.shares = [100 * n / max(1, sum(received)) for n in received]

    def __str__(self):
        return (
            f"idle p50 {quantile(self.idle, 50):.1f} ms, loaded p50 {quantile(self.loaded, 50):.1f} "
            f"p99 {quantile(self.loaded, 99):.1f} ms, {self.rate / 1e6:.1f} Mbit/s, shares "
            + " ".join(f"{share:.0f}" for share in self.shares)
            + " %"
        )


def measure(near, far, target, seconds, settle=1, count=4):
    """Bulk connections from `near` to `target`, an address of `far`, and a ping beside them, from the same node."""
    idle = round_trips(near, target, 0.4)
    with Bulk(near, far, target, count) as bulk:
        time.sleep(settle)
        before, since = list(bulk.received), time.monotonic()
        loaded = round_trips(near, target, seconds)
        span = time.monotonic() - since
        received = [now - then for now, then in zip(bulk.received, before)]
    return Result(idle, loaded, received, span)
