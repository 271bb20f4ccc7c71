# SPDX-License-Identifier: MIT
"""A TCP connection that carries random bytes, each of which is verified."""

import random
import socket
import threading

_BLOCK = random.Random(1).randbytes(1 << 20)


def transfer(near, far, address, family, blocks):
    """Send `blocks` MiB from the node `near` to an address of `far`; they must arrive complete and unchanged."""
    listener = far.call(lambda: socket.create_server((address, 0), family=family))
    client = near.call(lambda: socket.create_connection(listener.getsockname()[:2], timeout=20))
    with listener, client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        server, _ = listener.accept()
        server.settimeout(20)

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
