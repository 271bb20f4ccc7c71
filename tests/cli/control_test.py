#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""status, metrics, reload and down with sites that reply correctly, wrongly, late or not at all."""

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import prometheus
from lib.runner import Skip, Suite, cleanup, wait_for
from lib.status_report import samples
from lib.wirespan import find_binary

KEY = "IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI="


def report(site):
    """Return: a status reply with the members that these tests need."""
    return {
        "ok": True,
        "status": {
            "site": site,
            "version": "0.1.0",
            "backend": "userspace",
            "peers": [{"public_key": KEY, "state": "established", "rx_bytes": 7}],
            "sessions": [{"name": "l2tpeth0", "tunnel_id": 1}],
            "tunnels": [{"tunnel_id": 1}],
        },
    }


class Bench:
    """A folder of control sockets, and simulated sites in processes of their own."""

    def __init__(self):
        self.binary = find_binary()
        self.folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="wirespan-test-"))
        self.rundir = os.path.join(self.folder, "run")

    def run(self, *words):
        """Run `wirespan WORDS`. Return: exit status, standard output, standard error."""
        environment = {**os.environ, "WIRESPAN_RUNDIR": self.rundir}
        result = subprocess.run(
            [self.binary, *words], env=environment, capture_output=True, text=True, timeout=120
        )
        return result.returncode, result.stdout, result.stderr

    @contextlib.contextmanager
    def site(self, name, reply, linger=0.0, crash=False):
        """A site that replies to every request with `reply`: bytes, or None to hang up. After `down` it runs for
        another `linger` seconds, and then removes its socket, unless `crash` is set."""
        os.makedirs(self.rundir, exist_ok=True)
        path = os.path.join(self.rundir, f"{name}.sock")
        pid = os.fork()
        if pid == 0:
            try:
                self._serve(path, reply, linger)
                if not crash:
                    os.unlink(path)
            finally:
                os._exit(0)
        try:
            wait_for(lambda: os.path.exists(path), what="the site's socket")
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            with contextlib.suppress(OSError):
                os.rmdir(self.rundir)

    @staticmethod
    def _serve(path, reply, linger):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path + ".new")
            listener.listen()
            os.rename(path + ".new", path)
            while True:
                client, _ = listener.accept()
                request = client.recv(4096)
                if reply is not None:
                    client.sendall(reply)
                if b"down" in request and reply is not None:
                    time.sleep(linger)
                    return
                client.close()


def line(value):
    return json.dumps(value).encode() + b"\n"


def mistyped_name(bench):
    """The name of a site that does not run: the most similar running one is named."""
    with bench.site("vpn01", line(report("vpn01"))):
        for verb in ("status", "reload", "upgrade", "down", "metrics"):
            status, out, err = bench.run(verb, "vnp01")
            assert status == 1 and "vnp01 is not running" in err and 'did you mean "vpn01"?\n' in err, (verb, err)
            assert "did you mean" not in bench.run(verb, "elsewhere")[2], verb


def nothing_runs(bench):
    for verb in ("status", "metrics", "reload", "upgrade"):
        status, out, err = bench.run(verb, "vpn01")
        assert (status, out) == (1, "") and "vpn01 is not running" in err, (verb, status, out, err)
    status, out, err = bench.run("down", "/etc/wirespan/vpn01.conf")
    assert (status, out) == (1, "") and "vpn01 is not running and has left nothing behind" in err, (
        status,
        out,
        err,
    )
    status, out, err = bench.run("status")
    assert (status, out) == (1, "") and "no site is running" in err, (status, out, err)
    status, out, err = bench.run("status", "--json")
    assert status == 0 and json.loads(out) == {"sites": []}, (status, out, err)
    status, out, err = bench.run("metrics")
    assert status == 0 and "# EOF" not in out and "{" not in out, (status, out, err)
    status, out, err = bench.run("metrics", "--openmetrics")
    assert status == 0 and out.endswith("# EOF\n"), (status, out, err)
    assert not os.path.exists(bench.rundir), "questions leave nothing behind"


def usage(bench):
    for words in (
        ["status", "a", "b"],
        ["status", "--no"],
        ["down"],
        ["down", "a", "b"],
        ["reload"],
        ["upgrade"],
        ["metrics", "-x"],
    ):
        status, out, err = bench.run(*words)
        assert (status, out) == (2, "") and "--help" in err, (words, status, out, err)
    for name in ("", ".", "..", "/etc/wirespan/", "x" * 200):
        status, out, err = bench.run("down", name)
        assert status == 1 and "cannot be the name of a site" in err, (name, status, out, err)


def status_of_one(bench):
    with bench.site("vpn01", line(report("vpn01"))):
        for name in ("vpn01", "vpn01.conf", "./somewhere/vpn01.conf"):
            status, out, err = bench.run("status", name)
            assert (status, err) == (0, "") and out.startswith("site: vpn01\n"), (status, out, err)
            assert f"peer: {KEY}\n" in out and "session: l2tpeth0" in out, out
            assert "\033" not in out, "no colours into a pipe"
        status, out, err = bench.run("status", "vpn01", "--json")
        value = json.loads(out)
        assert value["site"] == "vpn01" and value["peers"][0]["rx_bytes"] == 7, value
        assert value["drops"]["wg_replay"] == 0 and value["wireguard"] is None, value
        status, out, err = bench.run("metrics", "vpn01")
        assert f'wirespan_peer_bytes_total{{site="vpn01",peer="{KEY}",direction="rx"}} 7\n' in out, out


def status_of_all(bench):
    stale = os.path.join(bench.rundir, "crashed.sock")
    with bench.site("b", line(report("b"))), bench.site("a", line(report("a"))):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(stale)
        status, out, err = bench.run("status")
        assert (status, err) == (0, "") and out.index("site: a\n") < out.index("site: b\n"), (
            status,
            out,
            err,
        )
        assert "crashed" not in out
        status, out, err = bench.run("status", "--json")
        assert [site["site"] for site in json.loads(out)["sites"]] == ["a", "b"], out
        status, out, err = bench.run("metrics")
        assert out.count("# TYPE wirespan_peer_bytes_total counter\n") == 1 and 'site="b"' in out, out
        status, out, err = bench.run("metrics", "-o")
        assert out.count("# TYPE wirespan_peer_bytes counter\n") == 1 and 'site="b"' in out, out
        os.unlink(stale)


def promtool_judges(bench):
    """Prometheus' own checker accepts the metrics of two sites."""
    with bench.site("b", line(report("b"))), bench.site("a", line(report("a"))):
        status, out, err = bench.run("metrics")
        assert (status, err) == (0, "") and out.count("wirespan_site_info{") == 2, (status, out, err)
        prometheus.check_metrics(out)


def textfile_collector(bench):
    """node_exporter takes the metrics from a file, each sample of them."""
    with bench.site("b", line(report("b"))), bench.site("a", line(report("a"))):
        status, out, err = bench.run("metrics")
    with tempfile.TemporaryDirectory(prefix="wirespan-test-") as folder:
        shown = prometheus.through_textfile(folder, out)
    assert "node_textfile_scrape_error 0\n" in shown, shown
    missing = samples(out).keys() - samples(shown).keys()
    assert len(samples(out)) > 100 and not missing, missing


def bad_answers(bench):
    table = [
        (b"garbage\n", "does not understand"),
        (b'{"ok":true,"status":{"pid":-1}}\n', "does not understand"),
        (None, "ended before it had answered"),
        (b'{"ok":true', "ended before it had answered"),
        (line({"ok": False, "error": "peers cannot be listed"}), "vpn01: peers cannot be listed"),
    ]
    for reply, words in table:
        with bench.site("vpn01", reply):
            status, out, err = bench.run("status", "vpn01")
            assert (status, out) == (1, "") and words in err, (reply, status, out, err)


def reload_a_site(bench):
    with bench.site("vpn01", line({"ok": True, "text": "1 peer added"})):
        assert bench.run("reload", "vpn01") == (0, "vpn01: 1 peer added\n", "")
    with bench.site("vpn01", line({"ok": False, "error": "vpn01.conf:3: error: unknown key"})):
        status, out, err = bench.run("reload", "vpn01")
        assert (status, out) == (1, "") and "vpn01.conf:3" in err, (status, out, err)


@contextlib.contextmanager
def top_screen(bench):
    """Run `wirespan top vpn01` in a terminal. Yield: its descriptor, and a function that reads the screen and returns
    whether it has shown a text."""
    environment = {**os.environ, "WIRESPAN_RUNDIR": bench.rundir, "TERM": "xterm", "LINES": "30", "COLUMNS": "120"}
    screen = b""

    def shows(text):
        nonlocal screen
        with contextlib.suppress(OSError):
            if select.select([terminal], [], [], 0)[0]:
                screen += os.read(terminal, 65536)
        return text in screen

    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(bench.binary, [bench.binary, "top", "vpn01"], environment)
    yield terminal, shows
    os.write(terminal, b"q")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def top(bench):
    """In a terminal of its own, it shows the session, keeps running when the site ends, and exits on q."""
    if "\n  wirespan top " not in bench.run("help")[1]:
        raise Skip("built without ncurses")
    status, out, err = bench.run("top", "vpn01")
    assert status == 1 and "needs a terminal" in err, (status, out, err)
    with contextlib.ExitStack() as screen:
        with bench.site("vpn01", line(report("vpn01"))):
            _, shows = screen.enter_context(top_screen(bench))
            wait_for(lambda: shows(b"l2tpeth0"), what="the session on the screen")
            assert shows(KEY[:12].encode()) and not shows(b"does not answer")
        wait_for(lambda: shows(b"vpn01 does not answer"), what="top to notice that the site is gone")


def top_of_absent_facts(bench):
    """What a back end does not count is neither 0 nor a large number, and its blocks are left out."""
    if "\n  wirespan top " not in bench.run("help")[1]:
        raise Skip("built without ncurses")
    reply = report("vpn01")
    status, peer, session = reply["status"], reply["status"]["peers"][0], reply["status"]["sessions"][0]
    status.update(backend="kernel", engine=None, wireguard={"name": "wg0"}, uptime_ms=None, pid=0)
    peer.update(queue=None, arrivals=None)
    session.update(fragments_tx=None, fragments_rx=None, dropped_tx=3, dropped_rx=None, tx=None)
    with bench.site("vpn01", line(reply)), top_screen(bench) as (_, shows):
        wait_for(lambda: shows(b"q: quit"), what="the whole screen")
        for text in (b"without a process, kernel", b"l2tpeth0", KEY[:12].encode(), b"session up"):
            wait_for(lambda text=text: shows(text), what=f"{text} on the screen")
        for text in (b"queue for peer", b"1844674407", b"engine  ", b"up 0"):
            assert not shows(text), text


def down_waits(bench):
    with bench.site("vpn01", line({"ok": True}), linger=0.5):
        start = time.monotonic()
        assert bench.run("down", "vpn01") == (0, "vpn01: is down\n", "")
        assert time.monotonic() - start >= 0.5, "it returned while the site still ran"
        assert not os.path.exists(os.path.join(bench.rundir, "vpn01.sock"))


def down_after_crash(bench):
    """A stale socket is removed."""
    with bench.site("vpn01", line({"ok": True})) as pid:
        os.kill(pid, signal.SIGKILL)
        path = os.path.join(bench.rundir, "vpn01.sock")

        def refused():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                return client.connect_ex(path) != 0

        wait_for(refused, what="the killed site's socket to be dead")
        status, out, err = bench.run("status", "vpn01")
        assert status == 1 and "vpn01 is not running" in err, (status, out, err)
        status, out, err = bench.run("down", "vpn01")
        assert status == 1 and "nothing behind" in err, (status, out, err)
        assert not os.path.exists(bench.rundir), os.listdir(bench.rundir)


def main():
    suite = Suite("control")
    bench = Bench()
    cases = [
        ("nothing runs", nothing_runs),
        ("a mistyped name", mistyped_name),
        ("invalid command lines", usage),
        ("status of one site", status_of_one),
        ("status of all sites", status_of_all),
        ("metrics for promtool", promtool_judges),
        ("metrics for node_exporter", textfile_collector),
        ("invalid replies", bad_answers),
        ("reload", reload_a_site),
        ("top", top),
        ("top of absent facts", top_of_absent_facts),
        ("down waits until the process has exited", down_waits),
        ("down after a crash", down_after_crash),
    ]
    for name, function in cases:
        suite.run(name, function, bench)
    suite.finish()


if __name__ == "__main__":
    main()
