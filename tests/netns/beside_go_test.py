#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan-wg and wireguard-go side by side: an adopted TUN, clients of wg(8)'s socket that wait, are many, or may
not. What they log is in debug_test.py."""

import fcntl
import os
import shutil
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import find_drop_in
from lib.network import Reference
from lib.node import Node, listening, need_root
from lib.runner import Skip, Suite, wait_for

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000
THINKING_SECONDS = 6  # longer than the time that a request may take
CLIENTS = 40


class Program:
    """One of the two programs, and its node."""

    def __init__(self, name, binary):
        self.name = name
        self.binary = binary
        self.node = Node(name)
        self.socket = self.node.path("/run/wireguard/wg0.sock")
        self.process = None

    def start(self, pass_fds=(), **environment):
        self.process = self.node.popen(
            self.binary, "-f", "wg0", env={**os.environ, "LOG_LEVEL": "error", **environment}, pass_fds=pass_fds
        )
        wait_for(lambda: listening(self.socket) or self.process.poll() is not None, what=self.name)
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}"

    def stop(self):
        os.unlink(self.socket)
        self.process.wait(timeout=60)

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(60)
        client.connect(self.socket)
        return client

    def start_with_open_socket(self):
        """Start it with a socket, opened by us, that lets every user connect."""
        os.makedirs(os.path.dirname(self.socket), exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(self.socket)
            os.chmod(self.socket, 0o666)
            listener.listen()
            self.start(pass_fds=[listener.fileno()], WG_UAPI_FD=str(listener.fileno()))

    def wg_as_other_user(self, *words):
        """Run wg(8) as a user that may do nothing. Return: Result."""
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "wg", *words]
        return self.node.run(*words, check=False)


def get(client):
    """Return: the answer to a request over this connection."""
    client.sendall(b"get=1\n\n")
    reply = b""
    while not reply.endswith(b"\n\n"):
        part = client.recv(65536)
        assert part, f"closed after {reply}"
        reply += part
    return reply.decode()


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


def adopted_tun(programs):
    """An adopted TUN gets the MTU of one that the program makes."""
    for program in programs:
        tun = program.node.call(lambda: open_tun("wg0"))
        program.node.run("ip link set wg0 mtu 1500")
        program.start(pass_fds=[tun], WG_TUN_FD=str(tun))
        os.close(tun)
        shown = program.node.run("ip -o link show wg0").out
        assert " mtu 1420 " in shown, (program.name, shown)
        program.stop()


def thinking(programs):
    """A client may take its time before the first request, and between two."""
    clients = [program.connect() for program in programs]
    time.sleep(THINKING_SECONDS)
    for program, client in zip(programs, clients):
        assert "errno=0" in get(client), program.name
        assert "errno=0" in get(client), program.name
        client.close()


def many_clients(programs):
    """Idle clients keep no other one out, whether they have sent nothing or have had an answer."""
    for program in programs:
        silent = [program.connect() for _ in range(CLIENTS)]
        program.node.run("wg", "show", "wg0")
        answered = [program.connect() for _ in range(CLIENTS)]
        for client in answered:
            assert "errno=0" in get(client), program.name
        program.node.run("wg", "show", "wg0")
        for client in silent + answered:
            client.close()


def other_user(programs):
    """A client that may not is answered so: wireguard-go leaves that to the mode of the socket."""
    ours, go = programs
    for program in programs:
        program.stop()
        program.start_with_open_socket()
    for words in (["show", "wg0"], ["set", "wg0", "fwmark", "5"]):
        assert go.wg_as_other_user(*words).ok
        result = ours.wg_as_other_user(*words)
        assert result.status == 1 and "Permission denied" in result.out, result.out
    assert ours.node.run("wg show wg0 fwmark").out == "off\n"
    assert ours.node.run("wg", "show", "wg0").ok


def changed_hooks():
    """`reload` mentions hooks that it does not run, and only if they have changed; so does SIGHUP."""
    with Reference() as net:
        net.up()
        near = net.gateway[0]
        with open(near.conf) as file:
            text = file.read()
        for hooks, expected in (
            ("", ""),
            ("PostUp = true\n", "reloaded. PostUp has changed"),
            ("PostUp = true\nPreUp = true\n", "reloaded. PreUp has changed"),
            ("PostUp = true\nPreUp = true\nPostDown = true\n", ""),
            ("PostDown = true\n", "reloaded. PreUp and PostUp have changed"),
        ):
            near.configure(text.replace("[Peer]", f"{hooks}\n[Peer]", 1))
            out = near.run("reload", near.conf).out
            assert expected in out and ("changed" in out) == bool(expected), (hooks, out)
        near.configure(text.replace("[Peer]", "PostUp = true\n[Peer]", 1))
        near.signal("HUP")
        wait_for(lambda: "reloaded. PostUp has changed" in near.log_text(0), what="a line of the log")
        assert near.stop() == 0


def main():
    suite = Suite("beside wireguard-go")
    programs = []

    def prepare():
        need_root()
        for program in ("wg", "wireguard-go", "setpriv"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        for name, binary in (("ours", find_drop_in()), ("go", "wireguard-go")):
            programs.append(Program(name, binary))

    if suite.setup("two nodes", prepare):
        suite.run("an adopted TUN", adopted_tun, programs)
        for program in programs:
            program.start()
        suite.run("a client that thinks", thinking, programs)
        suite.run("many idle clients", many_clients, programs)
        suite.run("a client of another user", other_user, programs)
        suite.run("hooks that a reload does not run", changed_hooks)
    suite.finish()


if __name__ == "__main__":
    main()
