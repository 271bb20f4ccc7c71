# SPDX-License-Identifier: MIT
"""A Node is one host of a test network: its own network, mount, pid and host-name namespaces.

Theory of operation: node_init.py, process 1 of the node, holds the namespaces and lives as long as the pipe to us.
No name is registered anywhere (nothing under /run/netns), so nothing can be left behind or collide, however this
process ends.  /run is private to each node: two gateways may both have a wg0 and its socket, like two hosts.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading

from .runner import Skip, cleanup, patience, trace, wait_for

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_HERE = os.path.dirname(os.path.abspath(__file__))


class CommandFailed(AssertionError):
    """A command exited with an unexpected status; carries its output."""


class Result:
    """The result of a command: status, and output (both streams)."""

    def __init__(self, status, out):
        self.status = status
        self.out = out

    @property
    def ok(self):
        return self.status == 0


def run(words, timeout=30, check=True, stdin=None, env=None, cwd=None):
    """Run a command that exits within `timeout` seconds on an idle host. Return: Result.

    After patience(timeout), its process group is killed.
    """
    timeout = patience(timeout)
    trace("+ " + " ".join(words))
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env=env,
        cwd=cwd,
    )
    try:
        out, _ = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        raise CommandFailed(f"still running after {timeout} s: {' '.join(words)}\n{out}") from None
    if check and process.returncode != 0:
        raise CommandFailed(f"exit status {process.returncode}: {' '.join(words)}\n{out}")
    return Result(process.returncode, out)


def listening(path):
    """Whether a process listens on the Unix socket `path` (the file appears shortly before)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(path) == 0


def need_root():
    """Skip unless namespaces can be created here."""
    if os.geteuid() != 0:
        raise Skip("needs root to make network namespaces")
    probe = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "true"], capture_output=True
    )
    if probe.returncode != 0:
        raise Skip(f"cannot make namespaces here: {probe.stderr.decode().strip()}")


class Node:
    """One host; a context manager, and also closed by the runner's cleanup."""

    def __init__(self, name, private=("/run",)):
        self.name = name
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child"]
            + [sys.executable, "-S", "-E", os.path.join(_HERE, "node_init.py"), name, *private],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        cleanup.callback(self.close)
        line = self._holder.stdout.readline().strip()
        if not line:
            raise AssertionError(f"node {name} did not start")
        self.pid = int(line)
        self._children = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Kill every process of the node and thereby remove it; idempotent."""
        if self._holder is None:
            return
        holder, self._holder = self._holder, None
        holder.stdin.close()
        try:
            holder.wait(timeout=patience(5))
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
        holder.stdout.close()
        for child in self._children:
            child.wait()

    def enter(self, words):
        """The command line that runs `words` inside this node."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--uts", "--", *words]

    def run(self, *words, **kwargs):
        """Run a command in the node; a single string is split at blanks. Options as for run()."""
        return run(self.enter(_words(words)), **kwargs)

    def sh(self, script, **kwargs):
        """Run a shell script in the node, stopping at the first error."""
        return run(self.enter(["sh", "-ec", script]), **kwargs)

    def popen(self, *words, **kwargs):
        """Start a command in the node; it is killed with the node at the latest. Return: Popen."""
        trace(f"& {self.name}: {' '.join(_words(words))}")
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        child = subprocess.Popen(self.enter(_words(words)), start_new_session=True, **kwargs)
        self._children.append(child)
        return child

    def call(self, function):
        """Run `function()` in a thread inside the node's network namespace, to which its sockets then belong."""
        box = {}

        def body():
            try:
                fd = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
                try:
                    if _libc.setns(fd, _CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                finally:
                    os.close(fd)
                box["value"] = function()
            except BaseException as problem:  # raised in the caller below
                box["problem"] = problem

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if "problem" in box:
            raise box["problem"]
        return box["value"]

    def processes(self):
        """Return: {pid inside: command line} of the processes in the node, without process 1."""
        proc = f"/proc/{self.pid}/root/proc"
        found = {}
        for pid in filter(str.isdigit, os.listdir(proc)):
            try:
                with open(f"{proc}/{pid}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue  # it exited meanwhile
            if pid != "1" and command:
                found[int(pid)] = command
        return found

    def path(self, inside):
        """Return: the path, as seen outside, of a file inside the node (its /run is private)."""
        return f"/proc/{self.pid}/root{inside}"

    # ---- links ----------------------------------------------------------------------------------

    def mac(self, ifname):
        """Return: the interface's MAC address as text."""
        return self.run("ip", "-o", "link", "show", "dev", ifname).out.split("link/ether ")[1].split()[0]

    def up(self, ifname, *addresses, mtu=None):
        """Set an interface up, with addresses (IPv6 ones without duplicate address detection) and MTU."""
        lines = []
        if mtu:
            lines.append(f"ip link set {ifname} mtu {mtu}")
        for address in addresses:
            nodad = " nodad" if ":" in address else ""
            lines.append(f"ip addr add {address} dev {ifname}{nodad}")
        lines.append(f"ip link set {ifname} up")
        self.sh("\n".join(lines))

    def settle(self):
        """Wait for IPv6 duplicate address detection: then addresses reply, and snapshots are comparable."""
        wait_for(lambda: "tentative" not in self.run("ip -6 addr").out, what="addresses to settle")

    def bridge(self, name, *ports):
        """Create a bridge with `ports`, all up: a plain switch that sends nothing itself."""
        lines = [
            f"ip link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"ip link set {name} up",
        ]
        lines += [f"ip link set {port} master {name} up" for port in ports]
        self.sh("\n".join(lines))

    def offloads(self, ifname, on, *features):
        """Switch the named offloads (ethtool's long names) on or off."""
        words = ["ethtool", "-K", ifname]
        for feature in features:
            words += [feature, "on" if on else "off"]
        self.run(*words)

    def wire_like(self, ifname):
        """Make a veth end behave like a real wire: nothing larger than the MTU is sent, nothing is merged."""
        self.offloads(ifname, False, *WIRE_OFFLOADS)

    def ping(self, target, count=2, size=56, dont_fragment=False, interval=None, timeout=10, extra=()):
        """Ping. Return: Result, whose status is 0 only if every echo was answered.

        interval: seconds between echoes; None: all at once. timeout: seconds to wait for the last reply. Where none
        is expected, or not yet, one is enough.
        """
        words = ["ping", "-n", "-c", str(count), "-W", str(timeout), "-s", str(size), *pace(count, interval, timeout)]
        if dont_fragment:
            words += ["-M", "do"]
        result = self.run(*words, *extra, target, check=False, timeout=count * ((interval or 0.05) + timeout) + 15)
        answered = f"{count} received" in result.out
        return Result(0 if result.status == 0 and answered else 1, result.out)


def pace(count, interval, timeout):
    """Options of ping for `count` echoes, `interval` seconds apart, or all at once if it is None.

    Once it has a reply, ping waits for the others no longer than an interval or two round trips after the last echo,
    whatever -W demands, which is too short on a busy host. So what is sent at once has an interval of `timeout`. And
    all of it has to fit into the socket: by itself ping asks for a buffer of a dozen short echoes, and what waits for
    a handshake, for example, stays there; each echo that did not fit would be sent an interval later.
    """
    return ["-i", str(timeout), "-l", str(count), "-S", "200000"] if interval is None else ["-i", str(interval)]


# `ethtool -K X gso off` alone leaves tx-udp-segmentation on: each has to be named.
WIRE_OFFLOADS = (
    "tx-udp-segmentation",
    "generic-segmentation-offload",
    "tcp-segmentation-offload",
    "generic-receive-offload",
)


def _words(words):
    return words[0].split() if len(words) == 1 else [str(word) for word in words]


def veth(a, ifname_a, b, ifname_b, mtu=None):
    """Connect two nodes by a veth pair; both ends stay down until Node.up()."""
    words = [
        "ip",
        "link",
        "add",
        ifname_a,
        "netns",
        str(a.pid),
        "type",
        "veth",
        "peer",
        "name",
        ifname_b,
        "netns",
        str(b.pid),
    ]
    run(words)
    for node, ifname in ((a, ifname_a), (b, ifname_b)):
        if mtu:
            node.run("ip", "link", "set", ifname, "mtu", str(mtu))
