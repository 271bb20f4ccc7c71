#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wirespan report`: no secret of a site is in it, in any form; also of a site that is down, or whose file is wrong.
`wirespan check --html`: a page that needs no other file."""

import base64
import html.parser
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.reference import Pseudowire, new_key
from lib.runner import Suite, patience, wait_for
from lib.wirespan import scratch

COOKIES = ("1122334455667788", "99aabbccddeeff00")
HOOK_SECRET = "a-t0ken-in-a-hook"
SECTIONS = (
    *("versions", "modules", "validate", "status", "status as JSON", "check", "mtu", "links", "bridges", "routes"),
    *("offloads", "log", "configuration"),
)


def forms(data):
    """Return: the forms in which a secret of these bytes can stand in a text."""
    text = base64.b64encode(data).decode()
    return (text, text.rstrip("=")[:-1], data.hex(), data.hex().upper(), data.hex(":"))


class Bench:
    """The reference network with every kind of secret, and a log (as by journalctl) that has them all."""

    def __init__(self):
        self.wire = Pseudowire(cookies=COOKIES, preshared=new_key())
        self.net = Reference()
        self.near = self.net.gateway[0]
        self.site, self.far = self.net.sites
        self.folder = scratch()
        self.count = 0

    def up(self):
        self.net.configure(self.wire)
        with open(self.near.conf, encoding="utf-8") as file:
            text = file.read()
        hook = f"PostUp = : {HOOK_SECRET}\n# the key before was {self.far.private}\n[Peer]"
        self.near.configure(text.replace("[Peer]", hook, 1))
        for gateway in self.net.gateway:
            gateway.up()

    def secrets(self):
        keys = [self.site.private, self.wire.preshared]
        return [base64.b64decode(key) for key in keys] + [bytes.fromhex(cookie) for cookie in COOKIES]

    def printed(self, known):
        """Return: what the log shows: if the files are there, each secret in every form; else what looks like a key."""
        lines = [form for secret in self.secrets() for form in forms(secret)[:4]] if known else []
        for key in (self.site.private, self.far.private, self.wire.preshared):
            lines += [key, f"in the middle of {base64.b64decode(key).hex()}, and key={key}."]
        return "\n".join(lines)

    def report(self, known=True):
        """Return: the text of a report, by a program in whose PATH journalctl prints secrets."""
        programs = os.path.join(self.folder, "bin")
        os.makedirs(programs, exist_ok=True)
        with open(os.path.join(programs, "journalctl"), "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\necho arguments: \"$@\"\ncat <<END\n{self.printed(known)}\nEND\n")
        os.chmod(os.path.join(programs, "journalctl"), 0o755)
        self.near.env = {"PATH": programs + ":" + os.environ["PATH"]}
        self.count += 1
        path = os.path.join(self.folder, f"report-{self.count}.txt")
        result = self.near.run("report", "-o", path, self.near.conf, timeout=60)
        self.near.env = {}
        assert path in result.out and os.stat(path).st_mode & 0o777 == 0o600, result.out
        with open(path, encoding="utf-8") as file:
            return file.read()

    def check_no_secret(self, text):
        for secret in [*self.secrets(), base64.b64decode(self.far.private)]:
            for form in forms(secret):
                assert form not in text, f"the report has a secret: {form}"
        assert HOOK_SECRET not in text, "the report has the text of a hook"


def section(text, name):
    """Return: the text of a section of a report."""
    return re.split("\n======== (.*) ========\n", text)[1:][
        re.split("\n======== (.*) ========\n", text)[1::2].index(name) * 2 + 1
    ]


def of_running_site(bench):
    """A report has every part, in the order of its list, and no secret."""
    text = bench.report()
    bench.check_no_secret(text)
    assert tuple(re.findall("^======== (.*) ========$", text, re.M)) == SECTIONS
    contents = text.split("\n======== ")[0]
    assert all(re.search(f"^  {name}  ", contents, re.M) for name in SECTIONS), contents
    assert bench.near.status()["version"] in section(text, "versions")
    assert f"peer: {bench.far.public}" in section(text, "status"), section(text, "status")
    assert f'"public_key":"{bench.far.public}"' in section(text, "status as JSON").replace('": "', '":"')
    assert "l2tpeth0" in section(text, "check") and "l2tpeth0" in section(text, "links")
    assert "wirespan@vpn01.service" in section(text, "log"), section(text, "log")
    conf = section(text, "configuration")
    for line in (
        "PrivateKey = (removed)",
        "PresharedKey = (removed)",
        "Cookie = (removed)",
        "PostUp = (removed)",
        f"PublicKey = {bench.far.public}",
        f"Endpoint = {bench.far.underlay}:8172",
    ):
        assert f"{line}\n" in conf, (line, conf)


class Page(html.parser.HTMLParser):
    """The elements of a page, whose tags must match."""

    VOID = ("meta", "rect", "circle", "line")

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag, **attributes):
        """Return: the elements with this tag and attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [a for t, a in self.elements if t == tag and wanted.items() <= a.items()]


def page_of_check(bench):
    """A check's page is well-formed, loads nothing, draws round trips and MTU, and has the text's findings."""
    path = os.path.join(bench.folder, "check.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write("an older page")
    result = bench.near.run("check", "--html", path, bench.near.conf, timeout=20)
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.startswith("<!DOCTYPE html>") and "older" not in text, text[:200]
    page = Page(text)
    assert not page.of("script") and not page.of("link") and not page.of("img") and "url(" not in text
    assert not any({"src", "href", "onload"} & a.keys() for _, a in page.elements), "the page loads something"
    policy = page.of("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy[0]["content"].startswith("default-src 'none'"), policy
    assert len(page.of("svg", class_="trips")) == len(page.of("svg", class_="packet")) == 1
    assert page.of("circle") and len(page.of("rect")) >= 12
    findings = re.findall("^  (ok|note|warning|error) ", result.out, re.M)
    for name in set(findings):  # each finding, and their number in the summary
        assert len(page.of("span", class_=f"b {name}")) == findings.count(name) + 1, (name, result.out)
    assert len(findings) > 5, result.out
    assert "vpn01: all right" in page.words and "member's IP packet" in page.words, page.words
    bad = bench.near.run("check", "--html", bench.folder + "/none/x.html", bench.near.conf, check=False, timeout=20)
    assert bad.status == 1 and "cannot write" in bad.out, bad.out
    bench.check_no_secret(text)


def is_not_overwritten(bench):
    """An existing file is left as it is, with a sentence."""
    path = os.path.join(bench.folder, "report-1.txt")
    with open(path, encoding="utf-8") as file:
        before = file.read()
    result = bench.near.run("report", "-o", path, bench.near.conf, check=False, timeout=60)
    assert result.status == 1 and "File exists" in result.out and "collecting" not in result.out, result.out
    with open(path, encoding="utf-8") as file:
        assert file.read() == before


def no_file_left(bench):
    """What cannot be written is found before the work, and a report that does not become whole leaves no file."""
    near = bench.near
    folder = os.path.join(os.path.dirname(near.conf), "small")
    result = near.run("report", "-o", os.path.join(folder, "report"), near.conf, check=False, timeout=60)
    assert result.status == 1 and "No such file or directory" in result.out, result.out
    assert "collecting" not in result.out and "another folder" in result.out, result.out
    near.node.sh(f"mkdir {folder}; mount -t tmpfs -o size=4k t {folder}")
    result = near.run("report", "-o", os.path.join(folder, "report"), near.conf, check=False, timeout=60)
    left = near.node.sh(f"ls {folder}; umount {folder}").out
    assert result.status == 1 and "No space left" in result.out and not left.strip(), (result.out, left)
    path = os.path.join(folder, "report")
    process = near.node.popen(near.binary, "report", "-o", path, near.conf, env={**os.environ, **near.env})
    wait_for(lambda: os.path.exists(near.node.path(path)), 10, step=0.01, what="the file to be opened")
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=patience(10))
    wait_for(lambda: not os.path.exists(near.node.path(path)), 10, what="the file to be removed")


def of_wrong_file(bench):
    """A site that is down and whose file is wrong has a report; a secret behind a mistyped key is not in it."""
    bench.near.stop()
    with open(bench.near.conf, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("PrivateKey =", "PrivatKey").replace("PresharedKey", "PresharedKye")
    bench.near.configure(text.replace("Cookie =", "Cokie =", 1) + "[Pear]\nListenPort = 70000\n")
    report = bench.report()
    bench.check_no_secret(report)
    assert "is not running" in section(report, "status"), section(report, "status")
    assert "unknown section [Pear]" in section(report, "validate"), section(report, "validate")
    assert "ListenPort = 8172" in section(report, "configuration"), section(report, "configuration")


def of_no_file(bench):
    """A site without a file has a report, too."""
    os.unlink(bench.near.conf)
    report = bench.report(known=False)
    bench.check_no_secret(report)
    assert "cannot be read: No such file or directory" in section(report, "configuration"), report


def main():
    need_root()
    suite = Suite("report")
    bench = Bench()
    suite.diagnose_with(bench.net.diagnostics)
    if suite.setup("reference network", bench.up):
        suite.run("of a running site: every part, and no secret", of_running_site, bench)
        suite.run("the page of a check", page_of_check, bench)
        suite.run("an existing file is not overwritten", is_not_overwritten, bench)
        suite.run("a file that cannot be written, or is not finished", no_file_left, bench)
        suite.run("of a site that is down, with a wrong file", of_wrong_file, bench)
        suite.run("of a site without a file", of_no_file, bench)
    bench.net.close()
    suite.finish()


if __name__ == "__main__":
    main()
