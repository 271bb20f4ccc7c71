#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Secrets in the memory of a running daemon: one copy while they live, none after; no swap, no core dump.

The memory is read through /proc/PID/mem; a peer of our own (tests/tools/handshake) prints the secrets that
only the two ends know, so that the search is for the very bytes.
"""

import base64
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import DropIn
from lib.node import Node, listening, need_root
from lib.reference import PORT, make_sites, new_key, new_site_keys
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import Gateway, find_binary, need_plain_program, scratch


# A process with AddressSanitizer has larger mappings only of the sanitizer's, terabytes.
SANITIZED_MAPPING = 1 << 30


def forms(key):
    """Return: the forms in which a key may lie in memory: bytes, base64, hex."""
    text = base64.b64encode(key)
    return {"bytes": key, "base64": text[:-2], "hex": key.hex().encode(), "HEX": key.hex().upper().encode()}


def memory(pid):
    """Yield: (where, bytes) of all that the process can read, by mapping."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        lines = maps.readlines()
        # of AddressSanitizer's own memory, which has a state for every byte of the process, and none of its bytes
        largest = SANITIZED_MAPPING if any("libasan" in line for line in lines) else None
        for line in lines:
            span, flags, *rest = line.split(None, 5)
            begin, end = (int(part, 16) for part in span.split("-"))
            name = rest[3].strip() if len(rest) > 3 else "anonymous"
            if largest and end - begin > largest:
                continue
            if "r" not in flags or name in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            try:
                mem.seek(begin)
                yield f"{name}@{begin:x}", mem.read(end - begin)
            except OSError:
                continue


def find(pids, keys):
    """Search one process or several for keys, a dict by name. Return: {name: [places]} of those that are there in
    any form."""
    found = {}
    mappings = (mapping for pid in ([pids] if isinstance(pids, (int, str)) else pids) for mapping in memory(pid))
    for where, data in mappings:
        for name, key in keys.items():
            for form, needle in forms(key).items():
                at = data.find(needle)
                while at >= 0:
                    found.setdefault(name, []).append(f"{form} in {where}+{at:x}")
                    at = data.find(needle, at + 1)
    return found


def clamp(private):
    key = bytearray(base64.b64decode(private))
    key[0] &= 0xF8
    key[31] = key[31] & 0x7F | 0x40
    return bytes(key)


class Bench:
    """One node with a daemon; the peer is a program in the same node."""

    def __init__(self):
        need_root()
        self.node = Node("vault")
        self.node.up("lo", "192.168.122.1/32")
        build = os.path.dirname(os.path.dirname(os.path.dirname(find_binary())))
        self.tool = os.path.join(os.environ.get("WIRESPAN_BUILD") or build, "tests", "tools", "handshake")
        if not os.path.exists(self.tool):
            raise Skip("tests/tools/handshake is not built")
        self.site, self.other = make_sites()
        self.psk = new_key()

    def end_all(self):
        """End the daemons that a failed case has left."""
        for pid, command in self.node.processes().items():
            if "wirespan" in command:
                self.node.run("kill", str(pid), check=False)
        wait_for(lambda: not os.path.exists(self.node.path("/sys/class/net/wg0")), what="wg0 to go")

    def handshakes(self, count):
        """Let the peer make handshakes. Return: {name: key} of what is now secret between the two."""
        lines = [self.other.private, self.site.public, self.psk]
        given = "".join(base64.b64decode(line).hex() + "\n" for line in lines)
        out = self.node.run(self.tool, "127.0.0.1", str(PORT), str(count), stdin=given).out
        keys = {}
        for line in out.splitlines():
            kind, *texts = line.split()
            line_number = len(keys)
            for number, text in enumerate(texts):
                keys[f"{kind} {line_number}.{number}"] = bytes.fromhex(text)
        assert len(keys) == 1 + 2 * count, out
        return keys


def alive(pid, keys, most=2):
    """Assert that each key is there, as bytes alone, `most` times. Return: how many copies, for people."""
    found = find(pid, keys)
    missing = set(keys) - set(found)
    assert not missing, f"the search finds nothing: {missing}"
    copies = {name: len(places) for name, places in found.items()}
    text = [place for places in found.values() for place in places if not place.startswith("bytes")]
    assert not text, f"left behind in clear: {text}"
    many = {name: found[name] for name, count in copies.items() if count > most}
    assert not many, f"more copies than need be: {many}"
    return copies


def gone(pids, keys, what):
    """Assert that no process has a key left: what was used is wiped after the answer, so not at once."""
    wait_for(lambda: not find(pids, keys), 1, 0.2, f"keys to be gone after {what}")


def alive_in(pids, keys):
    """Assert that keys of sessions are in the engine, and the others in the process that holds them, not in the engine."""
    sessions = {name: key for name, key in keys.items() if name.startswith("session")}
    others = {name: key for name, key in keys.items() if name not in sessions}
    alive(pids[0], sessions)
    alive_keys(pids, others, most=2)


def drop_in(bench, isolation="no", **environment):
    """A peer's life in wirespan-wg, by wg(8)."""
    wg = DropIn(bench.node).start(WIRESPAN_ISOLATION=isolation, **environment).configure(bench.site)
    pid = by_role([wg.outer_pid(), *children(wg.outer_pid())])
    assert len(pid) == (3 if isolation == "yes" else 1), pid
    wg.peer(bench.other, psk=bench.psk)
    fixed = {"private key": clamp(bench.site.private), "psk": base64.b64decode(bench.psk)}
    alive_in(pid, fixed)
    for what in (["show", "wg0"], ["show", "wg0", "dump"], ["showconf", "wg0"], ["show", "wg0", "preshared-keys"]):
        wg.wg(*what)
    alive_in(pid, fixed)
    keys = bench.handshakes(2)
    alive_in(pid, {**fixed, **keys})
    old = {name: key for name, key in keys.items() if name.startswith("session")}
    newer = bench.handshakes(5)
    gone(pid, old, "five more handshakes")
    latest = ("static", list(newer)[-1].split(".")[0])
    alive_in(pid, {**fixed, **{name: key for name, key in newer.items() if name.startswith(latest)}})
    wg.wg("set", "wg0", "peer", bench.other.public, "preshared-key", "/dev/stdin", stdin=new_key())
    gone(pid, {"psk": fixed["psk"]}, "another preshared key")
    wg.wg("set", "wg0", "peer", bench.other.public, "remove")
    gone(pid, newer, "the peer's removal")
    # a peer that is there while others come and go: the tables move, too
    wg.peer(bench.other, psk=bench.psk)
    keys = bench.handshakes(1)
    alive_in(pid, {**fixed, **keys})
    text = "".join(f"[Peer]\nPublicKey = {new_key()}\nAllowedIPs = 10.9.{n}.0/24\n" for n in range(200))
    wg.wg("addconf", "wg0", "/dev/stdin", stdin=text)
    wg.wg("set", "wg0", "peer", bench.other.public, "remove")
    gone(pid, {**keys, "psk": fixed["psk"]}, "removal amid others")
    wg.peer(bench.other, psk=bench.psk)
    keys = bench.handshakes(1)
    bench.node.run("ip link set wg0 down")
    sessions = {name: key for name, key in keys.items() if name.startswith("session")}
    wait_for(lambda: not find(pid, sessions), 10, what="sessions to be forgotten as it goes down")
    wg.wg("set", "wg0", "private-key", "/dev/stdin", stdin=base64.b64encode(bytes(32)).decode())
    gone(pid, {"private key": fixed["private key"], **keys}, "removal of the private key")
    wg.stop()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def by_role(pids):
    """Return: these pids, outside of the node, in order: that with the engine, that with the keys, others."""

    def order(pid):
        with open(f"/proc/{pid}/cmdline") as file:
            title = file.read()
        return next((n for n, role in enumerate(("engine", "keys")) if title.startswith(f"wirespan: {role}")), 2)

    return sorted(pids, key=order)


def processes(gateway):
    """Return: the pids outside of a site's processes: that with the engine, that with the keys, others."""
    monitor = children(gateway.process.pid)[0]
    return by_role([monitor] + children(monitor))


def start_site(bench, text, isolation):
    """Return: a running site with this configuration, and the pids outside of its processes."""
    gateway = Gateway(bench.node, "vault", env={"WIRESPAN_ISOLATION": isolation})
    gateway.configure(text)
    gateway.up()
    pids = processes(gateway)
    assert len(pids) == (4 if isolation == "yes" else 1), pids
    return gateway, pids


def alive_keys(pids, fixed, most=1):
    """Assert that the keys are in the process that holds them, and, if that is another one, not in the engine."""
    alive(pids[1] if len(pids) > 1 else pids[0], fixed, most=most)
    if len(pids) > 1:
        found = find(pids[0], fixed)
        assert not found, f"the engine has keys: {found}"


def next_engine(gateway, pids):
    """End the engine. Return: the pids of the site's processes with another one."""
    os.kill(pids[0], signal.SIGKILL)
    wait_for(lambda: len(set(processes(gateway)) - set(pids)) == 1, 10, 0.05, "another engine")
    wait_for(lambda: gateway.node.run("wg show wg0 public-key", check=False).ok, 10, 0.05, "an answer")
    return processes(gateway)


@contextlib.contextmanager
def half_request(bench, pids):
    """While a client of wg0 has sent half a request. Yield: the key in it, which the monitor has in its memory."""
    key = os.urandom(32)
    peer = base64.b64decode(bench.other.public).hex()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(bench.node.path("/run/wireguard/wg0.sock"))
        client.sendall(f"set=1\npublic_key={peer}\npreshared_key={key.hex()}\n".encode())
        wait_for(lambda: find(pids, {"key": key}), 4, 0.05, "the monitor to read it")
        yield {"key": key}


def site_by_wg(bench, isolation):
    """What wg(8) replaces or removes at a site is gone, though the file had it; a reload has it again."""
    text = (
        f"[Interface]\nPrivateKey = {bench.site.private}\nListenPort = {PORT}\nAddress = {bench.site.wg4}/24\n"
        f"[Peer]\nPublicKey = {bench.other.public}\nPresharedKey = {bench.psk}\nAllowedIPs = 10.0.1.21/32\n"
    )
    gateway, pids = start_site(bench, text, isolation)
    from_file = {"psk": base64.b64decode(bench.psk)}

    def wg(*words, stdin=None):
        bench.node.run("wg", "set", "wg0", *words, stdin=stdin)

    def reload(changed=text, fails=False):
        gateway.configure(changed)
        result = gateway.run("reload", gateway.conf, check=False)
        assert result.status == (1 if fails else 0) and ("make interface taken" in result.out) == fails, result.out

    psk = new_key()
    wg("peer", bench.other.public, "preshared-key", "/dev/stdin", stdin=psk)
    gone(pids, from_file, "another preshared key by wg(8)")
    # what is found only after peers and keys have been changed: a name that is taken, by what may be the site's own
    bench.node.run("ip tuntap add mode tun name taken")
    session = "[L2TPSession]\nName = taken\nSessionId = 3\nPeerSessionId = 4\n"
    failing = text.replace(bench.site.private, new_site_keys()[0]).replace(bench.psk, new_key())
    failing += f"[L2TP]\nTunnelId = 1\nPeerTunnelId = 2\nLocal = {bench.site.wg4}\nRemote = 10.0.1.21\n{session}"
    reload(failing, fails=True)
    assert bench.node.run("wg show wg0 private-key").out.strip() == bench.site.private
    assert bench.node.run("wg show wg0 preshared-keys").out.split() == [bench.other.public, psk]
    gone(pids, from_file, "a reload that failed")
    wg("peer", bench.other.public, "remove")
    gone(pids, {"psk": base64.b64decode(psk)}, "the peer's removal by wg(8)")
    if isolation == "yes":
        with half_request(bench, pids) as half:
            pids = next_engine(gateway, pids)
            gone([pids[0]], half, "another engine, in it, amid a request")
        wait_for(lambda: bench.node.run("wg show wg0 peers").out == "", 10, what="the removal to be repeated")
        gone(pids, {"psk": base64.b64decode(psk), **from_file}, "another engine")
    reload(failing, fails=True)
    assert bench.node.run("wg show wg0 peers").out == "", "a reload that failed has the removed peer back"
    reload()
    alive_keys(pids, from_file)
    assert bench.node.run("wg show wg0 preshared-keys").out.split() == [bench.other.public, bench.psk]
    private, _ = new_site_keys()
    wg("private-key", "/dev/stdin", stdin=private)
    gone(pids, {"private key": clamp(bench.site.private)}, "another private key by wg(8)")
    if isolation == "yes":
        pids = next_engine(gateway, pids)
        wait_for(lambda: private in bench.node.run("wg show wg0 private-key").out, 10, what="the key of wg(8)")
        alive_keys(pids, {"private key": clamp(private)})
        gateway.run("upgrade", gateway.conf, timeout=60)
        pids = processes(gateway)
        monitor = children(gateway.process.pid)[0]
        others = [pid for pid in pids[2:] if pid != monitor]
        assert len(others) == 1, pids
        gone([pids[0], *others], {"private key": clamp(private), **from_file}, "an upgrade, in the engine and the resolver")
        gone(pids, {"private key": clamp(bench.site.private)}, "an upgrade")
        alive_keys(pids, {"private key": clamp(private)})
    reload()
    gone(pids, {"private key": clamp(private)}, "a reload")
    gateway.stop()
    bench.node.run("ip link del taken")


def drop_in_confined(bench):
    """The same with an engine in a confined process, which never has the private or a preshared key."""
    drop_in(bench, isolation="yes")


def drop_in_evp(bench):
    """The same with OpenSSL's EVP, whose contexts keep keys until the next one comes."""
    drop_in(bench, WIRESPAN_OPTIONS="aead=evp")


def drop_in_evp_parts(bench):
    """The same with its ChaCha20 and Poly1305 apart; without an option it is what the host has."""
    drop_in(bench, WIRESPAN_OPTIONS="aead=evp-parts")


def cut_off(bench):
    """Requests with keys that break off, are refused, or come from a client that goes away: nothing stays."""
    wg = DropIn(bench.node).start().configure(bench.site)
    pid = wg.outer_pid()
    key = os.urandom(32)
    peer = base64.b64decode(bench.other.public).hex()
    for what, request in (
        ("in the middle of a line", f"set=1\nprivate_key={key.hex()}"),
        ("after a line", f"set=1\nprivate_key={key.hex()}\n"),
        ("after a peer's key", f"set=1\npublic_key={peer}\npreshared_key={key.hex()}\nendpoint="),
        ("refused", f"set=1\npublic_key={peer}\npreshared_key={key.hex()}\nnonsense=1\n\n"),
        ("too long a line", f"set=1\nprivate_key={key.hex() * 200}\n\n"),
        ("a key of a wrong length", f"set=1\nprivate_key={key.hex()}ab\n\n"),
    ):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(wg.socket)
            client.sendall(request.encode())
            time.sleep(0.1)
        time.sleep(0.1)
        wg.wg("show")  # it goes on
        gone(pid, {"key": key}, what)
    wg.stop()


def site(bench, isolation):
    """A site's keys: from the file to its end; a peer that a reload takes away."""

    def conf(private, psk):
        text = f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\nAddress = {bench.site.wg4}/24\n"
        if psk:
            text += f"[Peer]\nPublicKey = {bench.other.public}\nPresharedKey = {psk}\nAllowedIPs = 10.0.1.21/32\n"
        return text

    gateway, pids = start_site(bench, conf(bench.site.private, bench.psk), isolation)
    fixed = {"private key": clamp(bench.site.private), "psk": base64.b64decode(bench.psk)}
    alive_keys(pids, fixed)
    keys = bench.handshakes(2)
    static = {name: key for name, key in keys.items() if name.startswith("static")}
    # at once: the crypto library has another copy when a keepalive is sent, after ten seconds
    alive(pids[0], {name: key for name, key in keys.items() if name not in static})
    alive_keys(pids, {**fixed, **static}, most=2)
    assert not any("locked" in warning["text"] for warning in gateway.status()["warnings"])
    psk = new_key()
    gateway.configure(conf(bench.site.private, psk))
    gateway.run("reload", gateway.conf)
    gone(pids, {"psk": fixed["psk"]}, "a reload with another preshared key")
    gateway.configure(conf(bench.site.private, None))
    gateway.run("reload", gateway.conf)
    gone(pids, {**keys, "psk": base64.b64decode(psk)}, "a reload without the peer")
    private, _ = new_site_keys()
    gateway.configure(conf(private, None))
    gateway.run("reload", gateway.conf)
    gone(pids, {"private key": fixed["private key"]}, "a reload with another private key")
    refused = base64.b64decode(new_key())
    for wrong in ("Nonsense = 1\n", "[Peer]\nPublicKey = too short\n", "[Nonsense]\n"):
        gateway.configure(conf(base64.b64encode(refused).decode(), base64.b64encode(refused).decode()) + wrong)
        assert not gateway.run("reload", gateway.conf, check=False).ok
        gone(pids, {"raw": refused, "clamped": clamp(base64.b64encode(refused))}, f"a refused reload: {wrong!r}")
    gateway.stop()


def computed(bench):
    """What the process that holds the keys computes with, ephemeral keys included, is never in the engine, and all but
    the static secrets are gone after the handshake."""
    results = os.path.join(scratch(), "results")
    with open(results, "wb") as file:
        file.write(bytes(65536))
    gateway = Gateway(bench.node, "vault", env={"WIRESPAN_ISOLATION": "yes", "ATTACK": "record", "ATTACK_ROLE": "keys"})
    gateway.env["ATTACK_RESULTS"] = results
    gateway.binary = os.path.join(os.path.dirname(bench.tool), "attacked")
    text = f"[Interface]\nPrivateKey = {bench.site.private}\nListenPort = {PORT}\nAddress = {bench.site.wg4}/24\n"
    text += f"[Peer]\nPublicKey = {bench.other.public}\nPresharedKey = {bench.psk}\nAllowedIPs = 10.0.1.21/32\n"
    gateway.configure(text)
    gateway.up()
    pids = processes(gateway)
    keys = bench.handshakes(3)
    with open(results, "rb") as file:
        lines = file.read().rstrip(b"\0").decode().splitlines()
    secrets = {}
    for number, line in enumerate(lines):
        name, value = line.split(": ")
        key = bytes(byte ^ 0xFF for byte in bytes.fromhex(value))
        if key not in secrets.values() and any(key):
            secrets[f"{name} {number}"] = key
    known = {clamp(bench.site.private), *(key for name, key in keys.items() if name.startswith("static"))}
    assert known <= set(secrets.values()), "the record lacks what is known"
    assert len(secrets) >= 3 * 3 + len(known), f"only {len(secrets)} secrets were recorded"
    found = find(pids[0], secrets)
    assert not found, f"the engine has {found}"
    gone(pids, {name: key for name, key in secrets.items() if key not in known}, "the handshakes")
    gateway.stop()


def locked(pid):
    """Whether all memory that can hold a secret is locked: no anonymous page may go to swap."""
    with open(f"/proc/{pid}/smaps") as file:
        text = file.read()
    blocks = re.findall(r"^[0-9a-f]+-[0-9a-f]+ (\S+) .*?^VmFlags: ([^\n]*)$", text, re.M | re.S)
    writable = [flags.split() for permissions, flags in blocks if permissions.startswith("rw")]
    return bool(writable) and all("lo" in flags for flags in writable)


def memory_is_locked(bench):
    need_plain_program("it locks no memory")
    wg = DropIn(bench.node).start()
    pid = wg.outer_pid()
    assert locked(pid)
    wg.configure(bench.site)
    text = "".join(f"[Peer]\nPublicKey = {new_key()}\nAllowedIPs = 10.9.{n}.0/24\n" for n in range(200))
    wg.wg("addconf", "wg0", "/dev/stdin", stdin=text)
    assert locked(pid), "what was allocated later"
    with open(f"/proc/{pid}/limits") as file:
        limit = re.search(r"Max core file size\s+(\S+)\s+(\S+)", file.read())
    assert limit.groups() == ("0", "0"), limit.group()
    wg.stop()


def waiting(bench):
    """`up -d` has read the keys, too: it keeps them as safe for as long as it waits for the daemon's hooks."""
    need_plain_program("it locks no memory")
    gateway = Gateway(bench.node, "vault")
    gateway.configure(
        f"[Interface]\nPrivateKey = {bench.site.private}\nListenPort = {PORT}\nAddress = {bench.site.wg4}/24\n"
        "PostUp = while ! [ -e /run/go ]; do sleep 0.1; done\n"
    )
    job = bench.node.popen(gateway.binary, "up", "-d", gateway.conf)
    wait_for(lambda: any("/run/go" in c for c in bench.node.processes().values()), what="PostUp")
    up = [pid for pid, command in bench.node.processes().items() if "wirespan up -d" in command]
    pids = [f"{bench.node.pid}/root/proc/{pid}" for pid in up]
    assert len(pids) == 2, bench.node.processes()
    for pid in pids:
        assert locked(pid), "memory is not locked"
        with open(f"/proc/{pid}/limits") as file:
            assert re.search(r"Max core file size +0 +0 ", file.read()), "core dumps are allowed"
    bench.node.run("touch /run/go")
    assert job.wait(timeout=120) == 0
    gateway.down()


def unlocked_works(bench):
    """Without the right to lock memory it works all the same, and logs it."""
    need_plain_program("it locks no memory")
    wg = DropIn(bench.node)
    words = ["capsh", "--drop=cap_ipc_lock,cap_sys_resource", "--", "-c", f"ulimit -l 64; exec {wg.binary} -f wg0"]
    if not bench.node.run("which", "capsh", check=False).ok:
        raise Skip("capsh is not installed: libcap2-bin")
    job = bench.node.popen(*words, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: listening(wg.socket), what="wirespan-wg")
    wg.configure(bench.site)
    wg.stop()
    _, output = job.communicate(timeout=120)
    assert "locked" in output, output
    gateway = Gateway(bench.node, "vault")
    gateway.configure(f"[Interface]\nPrivateKey = {bench.site.private}\nAddress = {bench.site.wg4}/24\n")
    words[-1] = f"ulimit -l 64; exec {gateway.binary} up {gateway.conf}"
    job = bench.node.popen(*words, stderr=subprocess.DEVNULL)
    wait_for(lambda: gateway.run("status", gateway.conf, check=False).ok, what="the site")
    warnings = [warning["text"] for warning in gateway.status()["warnings"]]
    assert any("locked" in text for text in warnings), warnings
    gateway.down()


CORE = """
import os, resource, signal, sys, time
os.chdir(sys.argv.pop(1))
ready = sys.argv.pop(1)
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
while ready and not os.path.exists(ready):
    time.sleep(0.1)
time.sleep(0.7)
os.kill(pid, signal.SIGABRT)
_, status = os.waitpid(pid, 0)
print(os.WTERMSIG(status), os.WCOREDUMP(status))
"""


def no_core_dump(bench):
    """A crash leaves no core, though the shell that started it allows them."""

    folder = scratch()

    def crash(ready, *words):
        """ready: the file that shows that the program has begun."""
        return bench.node.run(sys.executable, "-c", CORE, folder, ready, *words).out.split()

    control = crash("", "/bin/sleep", "9")
    ready = "/run/wireguard/wg0.sock"
    assert crash(ready, DropIn(bench.node).binary, "-f", "wg0")[-2:] == ["6", "False"]
    if control != ["6", "True"]:
        raise Skip("this host makes no core dumps at all")


def main():
    suite = Suite("secrets")
    box = {}
    if not suite.setup("a node", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    for name, function in (
        ("the life of a peer", drop_in),
        ("the life of a peer, with OpenSSL's EVP", drop_in_evp),
        ("the life of a peer, with EVP's parts", drop_in_evp_parts),
        ("the life of a peer, confined", drop_in_confined),
        ("requests that break off", cut_off),
        ("a site and its reloads", partial(site, isolation="no")),
        ("a site changed by wg(8)", partial(site_by_wg, isolation="no")),
        ("an isolated site and its reloads", partial(site, isolation="yes")),
        ("an isolated site changed by wg(8)", partial(site_by_wg, isolation="yes")),
        ("secrets of handshakes", computed),
        ("memory is locked", memory_is_locked),
        ("it is while `up -d` waits", waiting),
        ("without the right to lock memory", unlocked_works),
        ("no core dump", no_core_dump),
    ):
        suite.run(name, function, bench)
        bench.end_all()
    suite.finish()


if __name__ == "__main__":
    main()
