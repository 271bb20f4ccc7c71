# SPDX-License-Identifier: MIT
"""The commands of a document, from its fenced blocks. Every block of commands names the hosts that it is for, behind
the language:

    ```sh HOST...             run on each of these hosts, in the folder where the block before on this host has ended
    ```sh not run: REASON     cannot be run in a test
    ```conf HOST PATH         the text of a file on that host
    ```output                 what the block before has printed: these lines, in this order, among others; "..." in a
                              line stands for any text

Other languages, and blocks without one, are pictures. The renderers of Markdown show only the language. A block of a
list is indented, and its lines at least as much as its fence."""

import dataclasses
import os
import re
import shlex
import time

from .runner import patience

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LANGUAGES = ("sh", "conf", "output")
FENCE = re.compile(r"( *)```")
NOT_RUN = re.compile(r"not run: (\S.+)")
LOOKS = ("ping ", "wirespan check ", "wirespan status ", "wirespan mtu ")  # commands that change nothing
MARKER = "documents: the folder is "


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its language, the words behind that, the reason not to run it, and its text."""

    where: str
    language: str
    words: tuple
    reason: str
    text: str


def read(path):
    """Return: the text of a document of the repository."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def blocks(path, text=None):
    """Return: the blocks of commands, files and output in a document. AssertionError if one is not as above."""
    found, start, indent, info, body = [], 0, "", "", []
    for number, line in enumerate((read(path) if text is None else text).splitlines(), 1):
        fence = FENCE.match(line)
        if start:
            assert line.startswith(indent) or not line.strip(), f"{path}:{number}: indented less than its block"
            line = line[len(indent) :]
            if not line.startswith("```"):
                body.append(line)
                continue
            language, _, rest = info.partition(" ")
            if language in LANGUAGES:
                found.append(_block(f"{path}:{start}", language, rest.strip(), "\n".join(body) + "\n"))
            start = 0
        elif fence:
            start, indent, info, body = number, fence[1], line[fence.end() :].strip(), []
        else:
            assert "```" not in line, f"{path}:{number}: a fence that does not begin its line is not seen by the tests"
    assert not start, f"{path}:{start}: the block has no end"
    return found


def _block(where, language, rest, text):
    refused = NOT_RUN.fullmatch(rest)
    assert refused or not rest.startswith("not "), f"{where}: not run, without a reason"
    words = () if refused else tuple(rest.split())
    if language == "sh":
        assert refused or words, f"{where}: names no host to run on"
    if language == "conf":
        assert not refused and len(words) == 2 and words[1].startswith("/"), f"{where}: names no host and path"
    if language == "output":
        assert not words, f"{where}: output belongs to the block before"
    return Block(where, language, words, refused[1] if refused else "", text)


def expect(block, out):
    """The lines of an output block are in the output, in this order."""
    position = 0
    for line in block.text.splitlines():
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in line.split("..."))
        match = re.compile(pattern).search(_plain(out), position)
        assert match, f"{block.where}: the output has no line\n{line}\nafter the lines before; it is:\n{out}"
        position = match.end()


def _plain(text):
    """Return: the text with single blanks."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def run(document, hosts, write, execute, folders=(), text=None):
    """Carry out the blocks of a document, in its order. A block that changes nothing, such as a ping, is repeated until
    it succeeds, and its output is what the document has, as its reader would.

    hosts: {word: name of a host}. write(host, path, text) makes a file. execute(host, script, where) runs a script with
    sh and returns its output; it raises AssertionError if the script fails. folders: {host: where its first block
    begins}, or /root. text: of the document, if it is not in its file. Return: the reasons of those that were not run.
    """
    folders, reasons, found = dict(folders), [], blocks(document, text)
    for number, block in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        shown = following if following and following.language == "output" else None
        if block.language == "output":
            before = found[number - 1] if number else None
            assert before and before.language == "sh" and not before.reason, f"{block.where}: output of no command"
            continue
        for word in block.words[:1] if block.language == "conf" else block.words:
            assert word in hosts, f"{block.where}: the test has no host {word}"
        if block.reason:
            reasons.append(f"{block.where}: {block.reason}")
        elif block.language == "conf":
            write(hosts[block.words[0]], block.words[1], block.text)
        elif block.language == "sh":
            _repeat(block, shown, [hosts[word] for word in block.words], folders, execute)
    return reasons


def _repeat(block, shown, hosts, folders, execute):
    """Run a block on hosts; if it changes nothing, until it succeeds. shown: the block of its output, or None."""
    lines = block.text.replace("\\\n", " ").splitlines()
    again = all(line.startswith(LOOKS) for line in lines)
    end = time.monotonic() + (patience(12) if again else 0)
    while True:
        try:
            out = "".join(_execute(block, host, folders, execute) for host in hosts)
            if shown:
                expect(shown, out)
            return
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _execute(block, host, folders, execute):
    """Run one block on one host, which remembers the folder where it ends. Return: the output."""
    folder = folders.get(host, "/root")
    out = execute(host, f"cd {shlex.quote(folder)}\n{block.text}\necho '{MARKER}'\"$PWD\"\n", block.where)
    before, _, after = out.rpartition(MARKER)
    folders[host] = after.strip()
    return before
