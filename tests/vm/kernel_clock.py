# SPDX-License-Identifier: MIT
"""The wall clock is set, forward and back, under traffic: the guest's clock is its own."""

import json
import time

from lib.reference import wirespan_conf
from lib.runner import wait_for
from vm.kernel_bench import PIDS, both_down
from vm.kernel_networks import look, passes

# What `date` is given, by the time that the guest shows; whether that is back.
STEPS = (
    ("a day forward", "@$(($(date +%s) + 86400))", False),
    ("a year back", "@$(($(date +%s) - 366 * 86400))", True),
    ("1970", "@100", True),
)

PINGS = 60

# Pings in both directions, which the clock's step comes into the middle of.
TRAFFIC = """
ping_from()
{{
	ip netns exec $1 ping -n -q -i 0.1 -c {pings} -W 20 $2 >/tmp/$1.ping 2>&1 || true
}}
ping_from member01 {two} & one=$!
ping_from member02 {one} & two=$!
sleep 2
date -s {date} >/dev/null
wait $one $two
cat /tmp/member01.ping /tmp/member02.ping
"""

# Of the WireGuard interfaces: wg(8) finds them in a folder that all namespaces of the guest have.
NAMES = {"vpn01": "wg0", "vpn02": "wg2"}


def ages(bench, site):
    """Return: seconds since the last handshake, by `wg show` and by `wirespan status`."""
    (peer,) = bench.status(site)["peers"]
    script = f"echo $(($(date +%s) - $(wg show {NAMES[site.name]} latest-handshakes | cut -f 2)))"
    return int(bench.at(site, script).out), peer["handshake_age_ms"] / 1000


def step_clock(bench, name, date):
    """Set the clock amid traffic: no frame is lost."""
    one, two = bench.sites
    script = TRAFFIC.format(pings=PINGS, one=one.member4, two=two.member4, date=date)
    out = bench.guest.sh(script, timeout=60).out
    assert out.count(f"{PINGS} received") == 2, f"{name}: {out}"


def new_handshake(bench, site):
    """A gateway forgets its peer, which the file brings back: the next frame needs a new handshake, which it begins."""
    name = NAMES[site.name]
    bench.at(site, f"wg set {name} peer $(wg show {name} peers) remove; wirespan reload {site.name}")
    wait_for(lambda: passes(bench), 300, 0.2, f"members, after a new handshake of {site.name}")


def fresh_processes(bench, site):
    """The engine and the process with the keys are killed, and started again."""
    old = bench.at(site, PIDS + "pids").out.split()
    bench.at(site, f"kill -9 $(ps | sed -n 's/^ *\\([0-9]*\\) .*wirespan: \\(engine\\|keys\\) {site.name}$/\\1/p')")

    def are_back():
        shown = bench.at(site, f"wirespan status --json {site.name}", check=False)
        return shown.ok and not {str(p["pid"]) for p in json.loads(shown.out)["processes"] if p["role"] != "resolver"} & set(old)

    wait_for(are_back, 60, 0.2, "another engine")


def follow_hint(bench, hint):
    """The kernel's WireGuard cannot renew the session; after what the hint advises, it can."""
    one, two = bench.sites
    assert "run `wirespan down` and `wirespan up` there" in hint, hint
    bench.down(two)
    bench.up(two)
    wait_for(lambda: passes(bench), 300, 0.2, "members, after the hint of check")
    _, findings = look(bench, one)
    assert not [f for f in findings if f["check"] == "clock"], findings


def clock_stepped(bench, backend):
    """Timers, sessions and ages go on, and the clock's time in a new handshake is accepted by the peer."""
    one, two = bench.sites
    for near, far in ((two, one), (one, two)):
        text = wirespan_conf(near, far).replace("Name = wg0", f"Name = {NAMES[near.name]}")
        bench.configure(near, text, backend)
        bench.up(near)
    wait_for(lambda: passes(bench), 60, 0.2, "members")
    begin = time.monotonic()
    for name, date, back in STEPS:
        print(f"  {name}", flush=True)
        step_clock(bench, name, date)
        for site in bench.sites:
            limit = time.monotonic() - begin + 60
            by_wg, by_status = ages(bench, site)
            assert 0 <= by_status <= limit and (backend == "kernel" or 0 <= by_wg <= limit), (name, by_wg, by_status)
            _, findings = look(bench, site)
            errors = [f for f in findings if f["severity"] == "error" and f["check"] != "time"]  # over, on a busy host
            named = [f for f in findings if f["check"] == "clock"]
            assert not errors and bool(named) == (backend == "kernel" and back), (name, findings)
        if backend == "kernel":
            if back:
                follow_hint(bench, named[0]["hint"])
            continue
        new_handshake(bench, one)
        fresh_processes(bench, one)
        wait_for(lambda: passes(bench), 60, 0.2, "members")
        new_handshake(bench, one)
        new_handshake(bench, two)
    bench.guest.sh(f"date -s @{int(time.time())} >/dev/null")
    both_down(bench)
