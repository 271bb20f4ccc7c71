#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wirespan capture`: read by tshark, tied to its datagrams, without keys; limits, slow and vanished readers.

The near gateway has its engine in a confined process."""

import base64
import os
import re
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.pings import Pings
from lib.reference import Pseudowire, new_key
from lib.runner import Skip, Suite, patience, wait_for
from lib.wirespan import scratch

COOKIES = ("1122334455667788", "99aabbccddeeff00")
PREFERENCES = ("-o", "l2tp.cookie_size:8 Byte Cookie", "-o", "l2tp.l2_specific:Default L2-Specific")
PREFERENCES += ("-d", "l2tp.pw_type==0,eth")
INTERFACES = ["underlay", "wg0", "l2tpeth0"]


class Bench:
    """The reference network with cookies and a preshared key, and a folder for captures."""

    def __init__(self):
        self.folder = scratch()
        self.wire = Pseudowire(cookies=COOKIES, preshared=new_key())
        self.net = Reference()
        self.near = self.net.gateway[0]
        self.near.env["WIRESPAN_ISOLATION"] = "yes"
        self.site, self.far = self.net.sites
        self.text = None

    def up(self):
        self.net.up(self.wire, extra="Oversize = fragment")
        self.ping()

    def whole(self):
        """Return: the path of a capture of a small and of a fragmented echo; it is made once."""
        if not self.text:
            process = self.start("whole.pcapng")
            self.ping(count=1)
            self.ping(count=1, size=1472)
            self.text = self.interrupt(process)
        return self.path("whole.pcapng")

    def ping(self, **options):
        result = self.net.member[0].ping(self.far.member4, **options)
        assert result.ok, result.out

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *options, stdout=None):
        """Start a capture to the file `name` and wait until it runs."""
        process = self.near.node.popen(
            self.near.binary, "capture", *options, "-w", self.path(name) if stdout is None else "-",
            self.near.conf, stdout=stdout, stderr=subprocess.PIPE, env=os.environ,
        )  # fmt: skip
        if stdout is None:
            wait_for(lambda: self.has_bytes(name), what="the start of the file")
        return process

    def has_bytes(self, name):
        return os.path.exists(self.path(name)) and os.path.getsize(self.path(name)) > 0

    def finish(self, process):
        """Wait for its end. Return: what it has reported on stderr."""
        text = process.communicate(timeout=patience(10))[1].decode()
        assert process.returncode == 0, (process.returncode, text)
        return text

    def signal(self, name):
        """Send a signal to the captures that run in the near gateway."""
        for pid, command in self.near.node.processes().items():
            if command.split()[:2] == [self.near.binary, "capture"]:
                self.near.node.run("kill", f"-{name}", str(pid), check=False)

    def interrupt(self, process):
        self.signal("INT")
        return self.finish(process)


def fields(path, names, *options):
    """Return: the values of these fields for each packet of a capture."""
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    words = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t"]
    for name in names:
        words += ["-e", name]
    result = subprocess.run([*words, *options], capture_output=True, text=True, timeout=patience(20), check=False)
    assert result.returncode == 0, result.stderr
    return [dict(zip(names, line.split("\t"))) for line in result.stdout.splitlines()]


def blocks(path):
    """Return: (type, body) of each block of a pcapng file, whose lengths are checked."""
    with open(path, "rb") as file:
        data = file.read()
    found, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length >= 12 and length % 4 == 0 and at + length <= len(data), (at, kind, length, len(data))
        assert struct.unpack_from("<I", data, at + length - 4)[0] == length, at
        found.append((kind, data[at + 8 : at + length - 4]))
        at += length
    return found


def counts(path):
    """Return: ({interface: packets in the file}, {interface: (received, dropped)} by its statistics)."""
    packets, statistics = {}, {}
    for kind, body in blocks(path):
        number = struct.unpack_from("<I", body)[0]
        if kind == 6:
            packets[number] = packets.get(number, 0) + 1
        elif kind == 5:
            values = {}
            for at in (12, 24):
                code, length, value = struct.unpack_from("<HHQ", body, at)
                assert length == 8, body
                values[code] = value
            statistics[number] = (values[4], values[5])
    return packets, statistics


def tie(comment):
    """Return: what of a comment names the datagram."""
    return re.match(r"peer \S+, receiver 0x[0-9a-f]{8}, counter [0-9]+", comment)[0]


def dissected(bench):
    """tshark reads every layer of a capture: the session with its cookie and sublayer, and the members' frames."""
    path = bench.whole()
    assert re.search("[1-9][0-9]* packets captured", bench.text), bench.text
    names = ["frame.interface_name", "frame.comment", "wg.receiver", "wg.counter", "l2tp.sid", "l2tp.cookie"]
    names += ["l2tp.l2_spec_sequence", "icmp.type", "ip.src", "frame.packet_flags_direction", "frame.len"]
    packets = fields(path, names, *PREFERENCES)
    by_name = {name: [p for p in packets if p["frame.interface_name"] == name] for name in INTERFACES}
    assert all(by_name.values()), packets

    for direction, cookie, sid in (("out", COOKIES[0], bench.far.session), ("in", COOKIES[1], bench.site.session)):
        flag = {"out": "2", "in": "1"}[direction]
        kind = {"out": "8", "in": "0"}[direction]

        def of(name):
            return [p for p in by_name[name] if int(p["frame.packet_flags_direction"], 0) == int(flag)]

        frames = [p for p in of("l2tpeth0") if p["icmp.type"] == kind]
        assert [p["frame.len"] for p in frames] == ["98", "1514"], frames
        inside = {tie(p["frame.comment"]): p for p in of("wg0")}
        outside = {tie(p["frame.comment"]): p for p in of("underlay") if "counter" in p["frame.comment"]}
        small = inside[tie(frames[0]["frame.comment"])]
        assert (int(small["l2tp.sid"], 0), small["l2tp.cookie"]) == (sid, cookie), small
        assert small["l2tp.l2_spec_sequence"] == "0" and kind in small["icmp.type"], small
        assert f"session id {sid}" in frames[0]["frame.comment"], frames[0]
        assert "the last of 2 fragments" in frames[1]["frame.comment"], frames[1]
        for frame in frames:
            datagram = outside[tie(frame["frame.comment"])]
            receiver, counter = re.search("receiver (0x[0-9a-f]+), counter ([0-9]+)", frame["frame.comment"]).groups()
            assert (int(datagram["wg.receiver"], 0), datagram["wg.counter"]) == (int(receiver, 16), counter), datagram
            assert bench.far.public in frame["frame.comment"], frame
        for name in ("underlay", "wg0"):
            own = {"underlay": (bench.site.underlay, bench.far.underlay), "wg0": (bench.site.wg4, bench.far.wg4)}[name]
            for p in of(name):
                source = p["ip.src"].split(",")[0]
                assert source == own[0 if direction == "out" else 1] or name == "wg0" and not source, p


def comment_helps(bench):
    """The file's own comment gives the options by which tshark dissects the sessions."""
    comment = blocks(bench.whole())[0][1].decode(errors="replace")
    for option in PREFERENCES[1::2]:
        assert option in comment, (option, comment)


def no_secret(bench):
    """No key is in a capture, as bytes, base64 or hex; the file is for root alone."""
    assert os.stat(bench.whole()).st_mode & 0o777 == 0o600
    with open(bench.whole(), "rb") as file:
        data = file.read()
    for secret in (bench.site.private, bench.far.private, bench.wire.preshared):
        key = base64.b64decode(secret)
        for form in (key, secret[:42].encode(), key.hex().encode(), key.hex().upper().encode()):
            assert form not in data, "a capture contains a key"


def handshake(bench):
    """A handshake is captured by name, from a site that has just come up."""
    far = bench.net.gateway[1]
    process = bench.start("handshake.pcapng")
    far.stop()
    far.up()
    bench.net.member[1].ping(bench.site.member4, count=1)
    bench.interrupt(process)
    comments = {p["frame.comment"] for p in fields(bench.path("handshake.pcapng"), ["frame.comment"])}
    for name in ("initiation", "response"):
        assert f"WireGuard handshake {name}" in comments, comments
    bench.ping()


def limits(bench):
    """A capture ends by itself at each limit, and standard output is a file like another."""
    for name, option in (("count", ("-c", "5")), ("size", ("--size", "2K")), ("snap", ("-s", "60", "-c", "6"))):
        process = bench.start(name, *option)
        while process.poll() is None:
            bench.ping(count=1)
        bench.finish(process)
    assert sum(counts(bench.path("count"))[0].values()) == 5
    assert sum(counts(bench.path("snap"))[0].values()) == 6
    size = sum(12 + len(body) for kind, body in blocks(bench.path("size")) if kind != 5)
    assert 1024 < size <= 2048, size
    cut = {struct.unpack_from("<I", body, 12)[0] for kind, body in blocks(bench.path("snap")) if kind == 6}
    assert max(cut) == 60, cut  # frames of ARP are shorter
    with open(bench.path("time"), "wb") as file:
        process = bench.start("time", "--time", "1", stdout=file)
        bench.finish(process)
    assert blocks(bench.path("time"))[0][0] == 0x0A0D0D0A
    assert counts(bench.path("time"))[1].keys() >= {0, 1}, "no statistics"


def extcap(bench):
    """Wireshark's helper lists the site, describes it, and captures to Wireshark's FIFO."""
    helper = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "wirespan-extcap")
    environment = {**os.environ, "PATH": os.path.dirname(bench.near.binary) + ":" + os.environ["PATH"]}

    def ask(*options, **more):
        return bench.near.node.run(helper, *options, env=environment, **more)

    listed = ask("--extcap-interfaces").out
    assert "interface {value=wirespan:vpn01}" in listed and listed.startswith("extcap {version="), listed
    assert "dlt {number=" in ask("--extcap-dlts", "--extcap-interface", "wirespan:vpn01").out
    assert "{call=--snap}" in ask("--extcap-config", "--extcap-interface", "wirespan:vpn01").out
    assert ask("--capture", "--extcap-interface", "vpn01", check=False).status == 1
    fifo = bench.path("fifo")
    os.mkfifo(fifo)
    words = ["--capture", "--extcap-interface", "wirespan:vpn01", "--fifo", fifo, "--snap", "100"]
    process = bench.near.node.popen(helper, *words, env=environment, stderr=subprocess.PIPE)
    with open(fifo, "rb") as file:
        data = file.read(28)
        assert data[:4] == bytes.fromhex("0a0d0d0a"), data
    process.communicate(timeout=patience(10))  # the reader is gone: it ends


def extcap_by_tshark(bench):
    """tshark itself runs the helper: it lists the site, captures from it, and dissects what it gets."""
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    folder = bench.path("extcap")
    home = bench.path("home")
    os.mkdir(folder)
    os.mkdir(home)
    helper = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dist", "wirespan-extcap")
    shutil.copy(helper, folder)
    environment = {**os.environ, "HOME": home, "LC_ALL": "C"}
    environment["PATH"] = os.path.dirname(bench.near.binary) + ":" + os.environ["PATH"]
    folders = bench.near.node.run("tshark", "-G", "folders", env=environment, timeout=60).out
    place = re.search(r"(?m)^(?:Global )?Extcap path:\s+(.*)$", folders)[1]
    # in the gateway's own view of the file system; root's tshark reads no other folder
    bench.near.node.run("mount", "--bind", folder, place)
    listed = bench.near.node.run("tshark", "-D", env=environment, timeout=60).out
    assert re.search(r"wirespan:vpn01 \(wirespan site vpn01\)", listed), listed
    path = bench.path("tshark.pcapng")
    words = ["tshark", "-n", "-i", "wirespan:vpn01", "-c", "12", "-w", path]
    process = bench.near.node.popen(*words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ended():
        bench.ping(count=1)
        return process.poll() is not None

    wait_for(ended, 120, what="tshark to have twelve packets")
    text = process.communicate()[0].decode(errors="replace")
    assert process.returncode == 0, text
    packets = fields(path, ["frame.interface_name", "icmp.type", "l2tp.cookie"], *PREFERENCES)
    assert len(packets) >= 12 and {p["frame.interface_name"] for p in packets} == set(INTERFACES), packets
    assert any(p["icmp.type"] for p in packets if p["frame.interface_name"] == "l2tpeth0"), packets
    assert any(p["l2tp.cookie"] in COOKIES for p in packets), packets
    # the site's next capture begins once this one has ended
    again = lambda: bench.near.run("capture", "--time", "1", "-w", bench.path("after"), bench.near.conf, check=False).ok
    wait_for(again, 60, what="the end of tshark's capture")


def slow_reader(bench):
    """A reader that stands still costs packets of the capture alone; the file has their number."""
    process = bench.start("slow.pcapng")
    bench.signal("STOP")
    lost = Pings(bench.net.member[0], bench.far.member4, interval=0.002, size=1300).lost(1500)
    assert not lost, lost
    bench.signal("CONT")
    process.send_signal(signal.SIGCONT)  # nsenter has stopped with its child
    text = bench.interrupt(process)
    assert re.search("[1-9][0-9]* dropped", text), text
    packets, statistics = counts(bench.path("slow.pcapng"))
    for number, (received, dropped) in statistics.items():
        assert packets.get(number, 0) + dropped == received, (number, packets, statistics)
    assert sum(dropped for _, dropped in statistics.values()) == int(re.search("([0-9]+) dropped", text)[1]), text


def gone_reader(bench):
    """After a reader is killed, the site goes on, and the next capture begins; a second one at a time is refused."""
    process = bench.start("gone.pcapng")
    second = bench.near.run("capture", "-w", bench.path("second"), bench.near.conf, check=False)
    assert second.status == 1 and "Another capture of vpn01 is in progress" in second.out, second.out
    assert not os.path.exists(bench.path("second")), "a refused capture has written a file"
    bench.signal("KILL")
    process.communicate(timeout=patience(10))
    bench.ping()

    def works():
        return bench.near.run("capture", "--time", "1", "-w", bench.path("next"), bench.near.conf, check=False).ok

    wait_for(works, what="the next capture")
    assert bench.near.process.poll() is None, bench.near.log_text()


def end_of_site(bench):
    """A capture ends with its site, and with a whole file."""
    process = bench.start("end.pcapng")
    bench.near.down()
    text = bench.finish(process)
    assert "has ended the capture" in text, text
    assert blocks(bench.path("end.pcapng"))[0][0] == 0x0A0D0D0A
    bench.near.up()


def engine_ends(bench):
    """A capture ends with the engine's process, and not with its monitor; the next engine captures again."""
    process = bench.start("crash.pcapng")
    engine = next(p["pid"] for p in bench.near.status()["processes"] if p["role"] == "engine")
    bench.near.node.run("kill", "-KILL", str(engine))
    text = process.communicate(timeout=patience(10))[1].decode()
    assert "has ended the capture" in text or "was interrupted" in text, text

    def works():
        return bench.near.run("capture", "--time", "1", "-w", bench.path("next"), bench.near.conf, check=False).ok

    wait_for(works, what="a capture by the next engine")


def one_process(bench):
    """A site whose engine has no process of its own captures the same."""
    far = bench.net.gateway[1]
    far.env["WIRESPAN_ISOLATION"] = "no"
    far.up()
    assert not far.status()["processes"]
    words = ("capture", "-c", "6", "-w", bench.path("one"), far.conf)
    process = far.node.popen(far.binary, *words, stderr=subprocess.PIPE, env=os.environ)
    while process.poll() is None:
        bench.net.member[0].ping(bench.far.member4, count=1)
    bench.finish(process)
    assert sum(counts(bench.path("one"))[0].values()) == 6


def refusals(bench):
    """What cannot be captured is refused with a sentence: by another user, a site that is not up."""
    near, far = bench.net.gateway
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    if shutil.which("setpriv"):
        result = near.node.run(*user, near.binary, "capture", "-w", "-", near.name, check=False)
        assert result.status == 1 and "only root may ask" in result.out, result.out
    far.stop()
    result = far.run("capture", "-w", bench.path("none"), far.conf, check=False)
    assert result.status == 1 and "is not running" in result.out, result.out
    assert not os.path.exists(bench.path("none")), "a refused capture has written a file"


def main():
    need_root()
    suite = Suite("capture")
    bench = Bench()
    suite.diagnose_with(bench.net.diagnostics)
    if suite.setup("reference network", bench.up):
        for name, case in (
            ("read by tshark: every layer, tied to its datagram", dissected),
            ("the file's comment gives tshark's options", comment_helps),
            ("no key in a capture", no_secret),
            ("a handshake", handshake),
            ("limits: packets, bytes, time, length", limits),
            ("Wireshark's extcap", extcap),
            ("extcap by tshark", extcap_by_tshark),
            ("a slow reader", slow_reader),
            ("a reader that is killed", gone_reader),
            ("the end of the site", end_of_site),
            ("the end of the engine", engine_ends),
            ("refusals", refusals),
            ("one process for all", one_process),
        ):
            suite.run(name, case, bench)
    bench.net.close()
    suite.finish()


if __name__ == "__main__":
    main()
