# SPDX-License-Identifier: MIT
"""A program in a pseudo-terminal, and the screen that it draws: enough of an xterm for ncurses."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios

# One step of the stream: a control sequence, a charset, another escape, or one character.
_STEP = re.compile(r"\x1b\[([?>]?[\d;]*)([@-~])|\x1b[()](.)|\x1b([=>78MDEc])|([\s\S])")


class Screen:
    """Rows of characters, and the cursor."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.top, self.bottom = 0, rows - 1  # of the region that scrolls
        self.last = " "
        self._rest = ""

    def lines(self):
        """Return: the rows as text."""
        return ["".join(row).rstrip() for row in self.cells]

    def feed(self, text):
        """Draw what the program wrote. A sequence that has not come as a whole waits for its rest."""
        text = self._rest + text
        at = text.rfind("\x1b")
        cut = len(text)
        if at >= 0 and not re.match(r"\x1b(\[[?>]?[\d;]*[@-~]|[()].|[=>78MDEc])", text[at:]):
            cut = at
        self._rest = text[cut:]
        for match in _STEP.finditer(text[:cut]):
            arguments, final, _, _, character = match.groups()
            if final:
                self._control(arguments, final)
            elif character:
                self._put(character)

    def _put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            if self.row == self.bottom < self.rows - 1:
                self._scroll(self.top, 1)
            self.row = self.row if self.row == self.bottom else min(self.row + 1, self.rows - 1)
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif character == "\t":
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
        elif character >= " ":
            if self.column < self.columns:
                self.cells[self.row][self.column] = character
            self.column += 1
            self.last = character

    def _scroll(self, top, count):
        """Move the rows from `top` to the end of the region up by so many, or down if it is negative."""
        for _ in range(abs(count)):
            blank = [" "] * self.columns
            if count > 0:
                del self.cells[top]
                self.cells.insert(self.bottom, blank)
            else:
                del self.cells[self.bottom]
                self.cells.insert(top, blank)

    def _erase(self, row, start, end):
        self.cells[row][start:end] = " " * (end - start)

    def _control(self, arguments, final):
        if arguments[:1] in ("?", ">"):
            return
        numbers = [int(n) if n else 0 for n in arguments.split(";")]
        n = numbers[0] or 1
        row = self.cells[self.row]
        if final in "Hf":
            self.row = min(n, self.rows) - 1
            self.column = min((numbers[1] if len(numbers) > 1 else 0) or 1, self.columns) - 1
        elif final == "A":
            self.row = max(self.row - n, 0)
        elif final == "B":
            self.row = min(self.row + n, self.rows - 1)
        elif final == "C":
            self.column = min(self.column + n, self.columns - 1)
        elif final == "D":
            self.column = max(self.column - n, 0)
        elif final == "G":
            self.column = min(n, self.columns) - 1
        elif final == "d":
            self.row = min(n, self.rows) - 1
        elif final == "K":
            start = 0 if numbers[0] else self.column
            self._erase(self.row, start, self.column + 1 if numbers[0] == 1 else self.columns)
        elif final == "J":
            self._erase(self.row, 0 if numbers[0] == 2 else self.column, self.columns)
            for other in range(0 if numbers[0] == 2 else self.row + 1, self.rows):
                self._erase(other, 0, self.columns)
        elif final == "X":
            self._erase(self.row, self.column, min(self.column + n, self.columns))
        elif final == "P":
            row[self.column :] = (row[self.column + n :] + [" "] * n)[: self.columns - self.column]
        elif final == "@":
            row[self.column :] = ([" "] * n + row[self.column :])[: self.columns - self.column]
        elif final in "ST":
            self._scroll(self.top, n if final == "S" else -n)
        elif final in "ML":
            self._scroll(self.row, n if final == "M" else -n)
        elif final == "r":
            self.top = min(n, self.rows) - 1
            self.bottom = min((numbers[1] if len(numbers) > 1 else 0) or self.rows, self.rows) - 1
            self.row = self.column = 0
        elif final == "b":
            for _ in range(n):
                self._put(self.last)
        elif final not in "mhlt":
            raise AssertionError(f"the terminal does not know \\e[{arguments}{final}")


class Terminal:
    """A command of a node in a terminal of its own; a context manager."""

    def __init__(self, node, words, rows=100, columns=150, env=None):
        self.screen = Screen(rows, columns)
        self.fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", **(env or {})}
        for name in ("LINES", "COLUMNS"):
            environment.pop(name, None)
        self.process = node.popen(*words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # nsenter and the program
        self.process.wait()
        os.close(self.fd)

    def lines(self):
        """Return: what the screen shows now, as rows of text."""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the program has ended
                break
            self.screen.feed(data.decode(errors="replace"))
        return self.screen.lines()

    def type(self, text):
        """Send key strokes."""
        os.write(self.fd, text.encode())
