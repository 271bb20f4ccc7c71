# SPDX-License-Identifier: MIT
"""The screen of `top`, read: which of its cells move, and whether the others agree with JSON."""

import re
import time

from .runner import wait_for
from .status_bench import PATIENCE
from .terminal import Terminal


class TopScreen:
    """The content of one picture of `top`."""

    def __init__(self, lines):
        self.lines = lines
        self.ports, self.peers, self.drops, self.engine = {}, {}, {}, []
        self.queues, self.arrivals = {}, {}
        table = ""
        for line in lines:
            words = line.split()
            if words[:1] in (["interface"], ["peer"], ["dropped"], ["queue"], ["arrivals"]):
                table = words[0]
            elif line.startswith("engine "):
                self.engine = [float(n) for n in re.findall(r"[\d.]+", line)]
            elif table == "interface" and len(words) == 7:
                self.ports[words[0]] = [0.0 if n == "-" else float(n) for n in words[1:]]
            elif table == "peer" and len(words) > 5 and words[0] != "q:":
                self.peers[words[0].removesuffix("...")] = line
            elif table == "queue" and len(words) == 7:
                self.queues[words[0].removesuffix("...")] = [float(n) for n in words[1:]]
            elif table == "arrivals" and len(words) == 7:
                self.arrivals[words[0].removesuffix("...")] = [float(n) for n in words[1:]]
            elif table == "dropped" and len(words) > 3 and words[0] != "q:":
                self.drops[words[0]] = (int(words[1]), float(words[2]))

    def moving(self):
        """Return: the cells that show that something happens, of vpn01."""
        wire, sets, drop0 = (self.ports.get(n, [0] * 6) for n in ("l2tpeth0", "wg0", "drop0"))
        cells = {
            "session sent": wire[0], "session sent packets": wire[1],
            "session received": wire[2], "session received packets": wire[3],
            "wg sent": sets[0], "wg sent packets": sets[1], "wg received": sets[2], "wg received packets": sets[3],
            "wg drops": sets[5], "session drops received": wire[5], "session drops sent": drop0[5],
        }
        names = ("engine sent", "engine sent a call", "engine received", "engine received a call", "engine wakeups")
        cells.update(zip(names, self.engine))
        cells["session fragments received" if not wire[1] else "session fragments sent"] = wire[4]
        cells["drops"] = self.drops.get("l2tp_cookie", (0, 0))[1]
        return {name for name, number in cells.items() if number}


def watch(terminal, wanted, what):
    """Return: the last picture, once every wanted cell has moved in some of them."""
    left = set(wanted)

    def seen():
        screen = TopScreen(terminal.lines())
        left.difference_update(screen.moving())
        return None if left else screen

    try:
        return wait_for(seen, PATIENCE, 0.3, what)
    except AssertionError as problem:
        raise AssertionError(f"{problem}: {left} did not move\n" + "\n".join(terminal.lines())) from None


def agreed(bench, terminal):
    """Return: the cells that were looked at, once a picture agrees with JSON, between two of which it may change."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return facts_of_top(bench, TopScreen(terminal.lines()))
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(0.3)


def facts_of_top(bench, screen):
    """Hold the rest of the screen against JSON. Return: the cells that were looked at."""
    report = bench.gateway[0].status()
    site = f"{report['backend']}, {report['aead']}, MTU {report['budget']['inner_ip']}"
    assert screen.lines[0].startswith("vpn01  up ") and screen.lines[0].endswith(site), screen.lines[0]
    text = "\n".join(screen.lines)
    alarms = report["warnings"] + report["differences"]
    assert all(alarm["text"] in text for alarm in alarms), text
    assert list(screen.ports) == ["wg0", *(s["name"] for s in report["sessions"])], screen.ports
    words = {"idle": "no session", "handshake": "calling", "established": "session up"}
    assert len(screen.peers) == len(report["peers"]), screen.peers
    for peer in report["peers"]:
        line = screen.peers[peer["name"] or peer["public_key"][:12]]
        assert words[peer["state"]] in line, line
        shown = peer["endpoint"] or peer["endpoint_name"] or "(none)"
        assert line.endswith(" " + shown), (line, shown)
        assert f" {peer['path']['mtu']} " in line, (line, peer["path"])
        assert ("none yet" in line) == (not peer["last_handshake"]), line
    sent, received = screen.peers[bench.two.public[:12]].split()[1:3]
    assert float(sent) > 0, f"{sent} sent, {received} received"
    assert set(screen.drops) == {reason for reason, n in report["drops"].items() if n}, screen.drops
    assert all(0 < total <= report["drops"][reason] for reason, (total, _) in screen.drops.items()), screen.drops
    of_peers = ("state", "endpoint", "mtu", "handshake", "sent", "received")
    return {"site", "warnings", "interface", "peer", *(f"peer {cell}" for cell in of_peers)}


def other_terminals(bench):
    """Screens on which not everything fits, and terminals that cannot draw."""
    near, words = bench.net.vpn[0], [bench.gateway[0].binary, "top", bench.gateway[0].conf]
    with Terminal(near, words, rows=9) as terminal:
        hidden = lambda: re.search(r"\d+ more lines do not fit", "\n".join(terminal.lines()))
        wait_for(hidden, PATIENCE, what="a word on what does not fit")
        assert terminal.lines()[0].startswith("vpn01  up "), terminal.lines()
        terminal.type("j")
        wait_for(lambda: not terminal.lines()[0].startswith("vpn01"), PATIENCE, what="the screen to scroll")
    with Terminal(near, words, rows=24, columns=80) as terminal:
        small_top(bench, terminal)
    for kind in ("dumb", "no-such-terminal", ""):
        with Terminal(near, words, env={"TERM": kind}) as terminal:
            wait_for(
                lambda: any(f"this terminal (TERM={kind}) cannot place text" in line for line in terminal.lines()),
                PATIENCE, what=f"a sentence on the terminal {kind}",
            )  # fmt: skip
            assert terminal.process.wait(PATIENCE) == 1


def small_top(bench, terminal):
    """80 columns and 24 rows: tables with their titles, an endpoint as a whole, and help."""
    gateway, two = bench.gateway[0], bench.two.public[:12]
    endpoint = next(p["endpoint"] for p in gateway.status()["peers"] if p["public_key"] == bench.two.public)

    def shown():
        lines = terminal.lines()
        titles = [line for line in lines if line.startswith(("interface ", "peer "))]
        row = next((line for line in lines if line.startswith(f"{two}...")), "")
        return len(titles) == 2 and titles[0].endswith("drop/s") and titles[1].endswith("endpoint") and row.endswith(
            f" {endpoint}"
        )

    wait_for(shown, PATIENCE, what="the tables in 80 columns")
    terminal.type("?")
    wait_for(lambda: terminal.lines()[0] == "Keys", PATIENCE, what="the help of top")
    terminal.type("?")
    wait_for(shown, PATIENCE, what="the tables after the help")
    terminal.type("q")
    assert terminal.process.wait(PATIENCE) == 0
