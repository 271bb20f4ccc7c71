#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan-exporter: a site's metrics over HTTP, from a process without privileges, whatever other clients do.

The exporter gets its listening socket as from systemd, and has no right but the group of the status sockets.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import prometheus
from lib.network import Reference
from lib.node import need_root
from lib.runner import Skip, Suite, cleanup, patience, wait_for
from lib.status_report import samples
from lib.wirespan import find_binary, scratch

HERE = os.path.dirname(os.path.abspath(__file__))
DIST = os.path.join(HERE, "..", "..", "dist")
GROUP = 4242  # of the status sockets
PLAIN = 65534
SOCKET = "/run/wirespan-status/vpn01/sock"
PATIENCE = 60


class Bench:
    """The reference network with vpn01's status socket, and its exporter."""

    def __init__(self):
        self.exporter = os.path.join(os.path.dirname(find_binary()), "..", "exporter", "wirespan-exporter")
        if not os.path.exists(self.exporter):
            raise Skip("wirespan-exporter is not built (Debian package libmicrohttpd-dev)")
        self.net = cleanup.enter_context(Reference())
        self.vpn, self.gateway = self.net.vpn[0], self.net.gateway[0]
        self.vpn.sh(f"install -d -m 2750 -g {GROUP} /run/wirespan-status")
        self.net.up()
        wait_for(lambda: self.net.member[0].ping(self.net.sites[1].member4, count=1).ok, PATIENCE, what="the segment")
        self.listener = self.vpn.call(lambda: socket.create_server(("127.0.0.1", 0)))
        self.port = self.listener.getsockname()[1]
        self.process = self.start()

    def start(self):
        """Start the exporter as a plain user in the group; its file is passed as a descriptor, as its folders may be closed."""
        file = os.open(self.exporter, os.O_RDONLY)
        fds = self.listener.fileno(), file
        script = f"exec 3<&{fds[0]}; LISTEN_PID=$$ LISTEN_FDS=1 exec /proc/self/fd/{file}"
        words = ["setpriv", f"--reuid={PLAIN}", f"--regid={PLAIN}", f"--groups={GROUP}", "--no-new-privs"]
        process = self.vpn.popen(*words, "--bounding-set=-all", "sh", "-c", script, pass_fds=fds)
        os.close(file)
        return process

    def get(self, path="/metrics", **headers):
        return self.vpn.call(lambda: prometheus.get(self.port, path, PATIENCE, headers))

    def ask(self, line, group=GROUP):
        """Return: what the status socket answers to a line of a plain user in a group."""
        script = (
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(60);"
            "s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode() + b'\\n');"
            "sys.stdout.buffer.write(b''.join(iter(lambda: s.recv(65536), b'')))"
        )
        words = ["setpriv", f"--reuid={PLAIN}", f"--regid={PLAIN}", f"--groups={group}"]
        return self.vpn.run(*words, "/usr/bin/python3", "-c", script, SOCKET, line, check=False)

    @contextlib.contextmanager
    def clients(self, requests):
        """Connections to the status socket that send these, and read nothing."""
        with contextlib.ExitStack() as stack:
            for request in requests:
                client = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):  # the backlog is full
                    client.connect(self.vpn.path(SOCKET))
                    client.send(request)
            yield


def metrics(bench):
    """Both formats over HTTP are those of `wirespan metrics`, and promtool accepts them."""
    text = bench.get()
    own = samples(bench.gateway.run("metrics").out)
    over_http = samples(text)
    assert over_http.pop(("wirespan_site_answers", (("site", "vpn01"),))) == 1, text
    assert own.keys() == over_http.keys() and len(own) > 100, own.keys() ^ over_http.keys()
    other = bench.get(Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert other.endswith("# EOF\n") and samples(other).keys() >= own.keys(), other
    prometheus.check_metrics(text)


def other_requests(bench):
    """Other paths and methods get an answer with what is possible."""
    assert 'href="/metrics"' in bench.get("/")
    for path, status in (("/nothing", 404), ("/metrics/", 404)):
        try:
            raise AssertionError(bench.get(path))
        except urllib.error.HTTPError as problem:
            assert problem.code == status, problem


def status_only(bench):
    """The group reads the status, without secrets, and can do nothing else; others cannot connect."""
    for line in ('{"verb":"down"}', '{"verb":"reload"}', '{"verb":"capture"}', "garbage"):
        result = bench.ask(line)
        assert "answers the verb status only" in result.out, (line, result.out)
    answer = bench.ask('{"verb":"status"}').out
    report = json.loads(answer)
    assert report["ok"] and report["status"]["site"] == "vpn01", answer
    with open(bench.gateway.conf) as file:
        secrets = [words[2] for words in map(str.split, file) if words[:1] == ["PrivateKey"]]
    assert secrets and not any(secret in answer for secret in secrets), answer
    result = bench.ask('{"verb":"status"}', group=PLAIN)
    assert result.status != 0 and "Permission denied" in result.out, result.out
    assert bench.gateway.status()["pid"] == report["status"]["pid"], "the site runs on"


def many_clients(bench):
    """Clients that are many, idle, slow or do not read delay neither the site nor the exporter for long."""
    far = bench.net.sites[1].member4
    with bench.clients((b"", b'{"verb":', b'{"verb":"status"}\n') * 30):
        assert bench.gateway.status()["site"] == "vpn01"
        assert bench.net.member[0].ping(far, count=3).ok, "frames pass meanwhile"
    answers = lambda: samples(bench.get())[("wirespan_site_answers", (("site", "vpn01"),))] == 1
    wait_for(answers, PATIENCE, what="the exporter to reach the site again")


def silent_sites(bench):
    """Sites that do not answer are asked beside each other: many of them hide no other site."""
    with contextlib.ExitStack() as stack:
        names = [f"silent{number}" for number in range(10)]
        for name in names:
            folder = bench.vpn.path(f"/run/wirespan-status/{name}")
            os.mkdir(folder)
            stack.callback(shutil.rmtree, folder)
            server = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            server.bind(os.path.join(folder, "sock"))
            os.chmod(os.path.join(folder, "sock"), 0o666)
            os.chmod(folder, 0o755)
            server.listen()
        got = {dict(labels)["site"]: value for (name, labels), value in samples(bench.get()).items() if name.endswith("_answers")}
    assert got == dict.fromkeys(names, 0) | {"vpn01": 1}, got
    assert "silent" not in bench.get(), "they are gone"


UNITS = {"short", "s", "bps", "pps", "bytes", "percentunit"}  # those of Grafana that fit what we measure


def board():
    with open(os.path.join(DIST, "grafana", "wirespan.json")) as file:
        return json.load(file)


def form():
    """The dashboard has what Grafana's model of one requires, and each panel is complete and has a place of its own."""
    found = board()
    assert found["title"] and re.fullmatch(r"[\w-]{1,40}", found["uid"]) and found["schemaVersion"] >= 36
    variables = {variable["name"]: variable for variable in found["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert variables["site"]["type"] == "query" and variables["site"]["multi"] and variables["site"]["includeAll"]
    source = {"type": "prometheus", "uid": "${datasource}"}
    places, panels = set(), found["panels"]
    for panel in panels:
        name = panel["title"]
        assert panel["type"] in ("timeseries", "stat", "table") and panel["description"], name
        assert panel["datasource"] == variables["site"]["datasource"] == source, name
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS and "overrides" in panel["fieldConfig"], name
        at = panel["gridPos"]
        assert at["w"] > 0 and at["h"] > 0 and 0 <= at["x"] and at["x"] + at["w"] <= 24 and at["y"] >= 0, name
        place = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not place & places, f"{name} covers another panel"
        places |= place
        assert panel["targets"], name
        for target in panel["targets"]:
            assert 'site=~"$site"' in target["expr"] and target["legendFormat"], name
            assert set(re.findall(r"\$(\w+)", target["expr"])) <= {"site", "__rate_interval"}, name
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), name
    for unique in ("id", "title"):
        assert len({panel[unique] for panel in panels}) == len(panels), unique


def names(bench):
    """Metrics that the alert rules and the variable of the dashboard name are those of the exporter."""
    with open(os.path.join(DIST, "prometheus", "wirespan.rules.yml")) as file:
        wanted = set(re.findall(r"\bwirespan_\w+", file.read()))
    for variable in board()["templating"]["list"]:
        wanted |= set(re.findall(r"\bwirespan_\w+", str(variable.get("query"))))
    have = {name for name, _ in samples(bench.get())}
    assert len(wanted) > 7 and wanted <= have, wanted - have


def dashboard(bench):
    """Debian's prometheus reads the exporter, and every query of the dashboard has data; the alert rules load."""
    program = prometheus.program("prometheus")
    queries = {target["expr"] for panel in board()["panels"] for target in panel["targets"]}
    assert len(queries) > 15
    folder = scratch()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [os.path.join(os.path.realpath(DIST), "prometheus", "wirespan.rules.yml")],
        "scrape_configs": [{"job_name": "wirespan", "static_configs": [{"targets": [f"127.0.0.1:{bench.port}"]}]}],
    }
    with open(os.path.join(folder, "prometheus.yml"), "w") as file:
        json.dump(config, file)  # JSON is YAML
    words = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with open(os.path.join(folder, "log"), "w") as log:
        process = bench.vpn.popen(*words, "--web.listen-address=127.0.0.1:9090", stdout=log, stderr=log)

    def ask(path):
        with contextlib.suppress(OSError):
            return json.loads(bench.vpn.call(lambda: prometheus.get(9090, path, PATIENCE)))["data"]
        assert process.poll() is None, open(os.path.join(folder, "log")).read()
        return None

    def without_data():
        bench.net.member[0].ping(bench.net.sites[1].member4, count=1)
        left = []
        for query in queries:
            query = query.replace("$__rate_interval", "1m").replace("$site", ".*")
            data = ask("/api/v1/query?query=" + urllib.parse.quote(query))
            if not data or not data["result"]:
                left.append(query)
        return left

    left = queries

    def complete():
        nonlocal left
        left = without_data()
        return not left

    try:
        wait_for(complete, PATIENCE, step=0.5, what="data for every query")
    except AssertionError as problem:
        raise AssertionError(f"{problem}: {left}") from None
    groups = ask("/api/v1/rules")["groups"]
    assert len(groups) == 1 and all(rule["health"] != "err" for rule in groups[0]["rules"]), groups
    for pid, command in bench.vpn.processes().items():
        if command.startswith(program):
            bench.vpn.run("kill", str(pid))


def alerts(bench):
    """`promtool test rules`: each alert is raised by what it is for, and not by what is near."""
    rules = os.path.join(HERE, "..", "prometheus", "wirespan.rules_test.yml")
    command = [prometheus.program("promtool"), "test", "rules", os.path.realpath(rules)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


def socket_lost(bench):
    """A status socket whose file another program has removed is made again while the site runs."""
    bench.vpn.sh(f"rm -r {os.path.dirname(SOCKET)}")
    wait_for(lambda: "wirespan_site_info{" in bench.get(), PATIENCE, what="the site in the metrics again")
    assert os.stat(bench.vpn.path(SOCKET)).st_gid == GROUP, "the group may not ask"


def start_errors(bench):
    """A start that fails writes what to do: without a socket, with a file in its place, and with few descriptors."""
    without = bench.vpn.run(bench.exporter, check=False)
    assert without.status == 2 and "Start it by its socket" in without.out.splitlines()[0], without.out
    script = f"exec 3<{{}}; export LISTEN_PID=$$ LISTEN_FDS=1; exec prlimit --nofile={{}} {bench.exporter}"
    file = bench.vpn.sh(script.format("/dev/null", 64), check=False)
    assert file.status == 2 and "Correct ListenStream" in file.out, file.out
    words = bench.vpn.enter(["sh", "-c", script.format(f"&{bench.listener.fileno()}", 5)])
    few = subprocess.run(words, pass_fds=[bench.listener.fileno()], capture_output=True, text=True, timeout=patience(10))
    assert few.returncode == 1 and "cannot serve HTTP" in few.stderr and "ulimit -n" in few.stderr, few.stderr


def reopened(bench):
    """Sites that end leave the metrics, a crash leaves a stale socket that counts as none, and they come back."""
    running = lambda: "wirespan_site_info{" in bench.get()
    bench.gateway.stop("KILL")
    assert os.path.exists(bench.vpn.path(SOCKET)), "a stale socket"
    assert "vpn01" not in bench.get()
    bench.gateway.run("down", bench.gateway.conf)
    assert not os.path.exists(bench.vpn.path(SOCKET)), "`down` removes it"
    bench.gateway.up()
    assert running()
    bench.gateway.down()
    assert not running() and os.listdir(bench.vpn.path("/run/wirespan-status")) == []
    bench.gateway.up()
    assert running()


def ends(bench):
    """SIGTERM ends it in order; without a socket it prints how it is started."""
    pids = [pid for pid, command in bench.vpn.processes().items() if command.startswith("/proc/self/fd/")]
    assert len(pids) == 1, bench.vpn.processes()
    bench.vpn.run("kill", str(pids[0]))
    assert bench.process.wait(PATIENCE) == 0
    result = bench.vpn.run(bench.exporter, check=False)
    assert result.status == 2 and "wirespan-exporter.socket" in result.out, result.out


def main():
    need_root()
    suite = Suite("exporter")
    suite.run("the form of the dashboard", form)
    box = {}
    if not suite.setup("the site and its exporter", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(lambda: bench.net.diagnostics())
    for name, case in (
        ("metrics over HTTP", metrics),
        ("other requests", other_requests),
        ("the status socket answers status only", status_only),
        ("many clients", many_clients),
        ("silent sites", silent_sites),
        ("names in the alert rules", names),
        ("every query of the dashboard", dashboard),
        ("alerts", alerts),
        ("a status socket that is lost", socket_lost),
        ("a start that fails", start_errors),
        ("sites come and go", reopened),
        ("its end", ends),
    ):
        suite.run(name, case, bench)
    suite.finish()


if __name__ == "__main__":
    main()
