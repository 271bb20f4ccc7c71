# SPDX-License-Identifier: MIT
"""A running test guest: starts qemu, sends shell scripts, returns status and output.

The request channel is a virtio-serial port on a socket pair (protocol: init.sh); the console goes to a file that is
printed on errors.  Network cards are tap devices created inside a Node's network namespace and passed to qemu by
descriptor, so qemu itself needs no namespace and one guest can have cards in several.
"""

import base64
import fcntl
import os
import select
import shlex
import socket
import struct
import subprocess
import tempfile
import time

from lib.node import CommandFailed, Result, pace
from lib.runner import cleanup, patience, trace

from . import image

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


def _open_tap(ifname):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(
        fd, _TUNSETIFF, struct.pack("16sH22x", ifname.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR)
    )
    return fd


class Guest:
    """One qemu with the unmodified kernel; a context manager, and also closed by the runner's cleanup."""

    def __init__(
        self, nics=(), icount=False, memory=512, boot_timeout=600, wirespan=None, files=(), programs=(), cpu="max"
    ):
        """nics: (node, ifname) pairs; the tap `ifname` appears in the node, the card is ethN in the guest.

        icount: the guest's clock counts instructions (results repeat on any host, but its time is not real time).
        wirespan: the path of a program to have in the guest, with nft; files: paths of more, for its /lib.
        programs: further ones of this host. cpu: qemu's name of the processor, with its features.
        """
        kernel, initramfs = image.prepare(wirespan, files, programs)
        self.console = tempfile.NamedTemporaryFile(prefix="wirespan-guest-", suffix=".log")
        ours, theirs = socket.socketpair()
        taps = [node.call(lambda ifname=ifname: _open_tap(ifname)) for node, ifname in nics]
        words = [
            "qemu-system-x86_64",
            "-machine",
            "q35,accel=tcg",
            "-cpu",
            cpu,
            "-smp",
            "1",
            "-m",
            str(memory),
        ]
        words += ["-nodefaults", "-no-user-config", "-nographic", "-no-reboot"]
        words += ["-serial", "stdio", "-device", "virtio-serial-pci", "-device", "virtio-rng-pci"]
        words += ["-chardev", f"socket,id=requests,fd={theirs.fileno()}"]
        words += ["-device", "virtserialport,chardev=requests,name=wirespan.test"]
        words += ["-kernel", kernel, "-initrd", initramfs]
        words += ["-append", "console=ttyS0 quiet panic=-1 mitigations=off tsc=unstable random.trust_cpu=on"]
        for number, tap in enumerate(taps):
            words += ["-netdev", f"tap,id=net{number},fd={tap}"]
            words += [
                "-device",
                f"virtio-net-pci,netdev=net{number},mac=52:54:00:57:53:{number + 1:02x},romfile=",
            ]
        if icount:
            words += ["-icount", "shift=0,sleep=off"]
        self._qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *words],  # a test that is killed leaves no guest
            stdin=subprocess.DEVNULL,
            stdout=self.console,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno(), *taps],
            start_new_session=True,
        )
        cleanup.callback(self.close)
        theirs.close()
        for tap in taps:
            os.close(tap)
        self._channel = ours
        self._buffer = b""
        self._requests = 0
        start = time.monotonic()
        ready = self._read_line(boot_timeout, "the guest to boot")
        if not ready.startswith("READY "):
            raise CommandFailed(f"unexpected first line from the guest: {ready!r}")
        self.boot_seconds = time.monotonic() - start
        self.release = ready.split()[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Power the guest off; idempotent."""
        if self._qemu is None:
            return
        qemu, self._qemu = self._qemu, None
        qemu.kill()
        qemu.wait()
        self._channel.close()

    def console_text(self, lines=40):
        """Return: the last lines that the guest's kernel printed."""
        with open(self.console.name, errors="replace") as file:
            return "\n".join(file.read().splitlines()[-lines:])

    def _read_line(self, timeout, what):
        end = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._channel], [], [], max(left, 0))[0]:
                raise CommandFailed(f"waited {timeout} s for {what}; console:\n{self.console_text()}")
            data = self._channel.recv(65536)
            if not data:
                raise CommandFailed(
                    f"the guest exited while waiting for {what}; console:\n{self.console_text()}"
                )
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def sh(self, script, check=True, timeout=30):
        """Run a shell script (stopping at its first error) in the guest, in at most `timeout` seconds on an idle
        host. Return: Result."""
        timeout = patience(timeout)
        trace("guest# " + script.strip().replace("\n", "\n     # "))
        self._requests += 1
        number = self._requests
        encoded = base64.b64encode(script.encode()).decode()
        self._channel.sendall(f"{number} {int(timeout)} {encoded}\n".encode())
        while True:
            # The guest's clock may be slower than ours: wait longer than the guest does.
            answer, status, *rest = self._read_line(3 * timeout + 10, f"the guest to run: {script}").split(
                " "
            )
            if answer == str(number):
                break
        out = base64.b64decode(rest[0] if rest else "").decode(errors="replace")
        if check and status != "0":
            raise CommandFailed(f"guest: exit status {status}: {script}\n{out}")
        return Result(int(status), out)

    def run(self, *words, **kwargs):
        """Run one command in the guest; its shell runs a single string unmodified."""
        return self.sh(words[0] if len(words) == 1 else shlex.join(map(str, words)), **kwargs)

    def write(self, path, text):
        """Write a file in the guest, readable by root only."""
        encoded = base64.b64encode(text.encode()).decode()
        self.sh(f"umask 077; echo {encoded} | base64 -d >{shlex.quote(path)}")

    def ping(self, target, count=2, size=56, dont_fragment=False, netns=None, timeout=10):
        """Ping from the guest, or from one of its namespaces. Return: Result, ok if all were answered."""
        prefix = f"ip netns exec {netns} " if netns else ""
        flags = "-M do " if dont_fragment else ""
        pauses = " ".join(pace(count, None, timeout))
        command = f"{prefix}ping -n -c {count} {pauses} -W {timeout} -s {size} {flags}{target}"
        result = self.sh(command, check=False, timeout=count * (timeout + 1) + 10)
        return Result(0 if f" {count} received" in result.out else 1, result.out)
