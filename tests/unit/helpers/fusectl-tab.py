#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# Types a line, tabs included, into an interactive shell on a terminal of its
# own, and Enter.  Not for looking at what the shell draws: what the line became
# is what the command gets.
#
# Usage: fusectl-tab SECONDS FILE TEXT SHELL [ARGUMENT...]
#
# Ends when FILE is there; exit status 1 if it isn't after so many seconds.
import os
import pty
import select
import sys
import time


def main():
    limit, result, text = float(sys.argv[1]), sys.argv[2], sys.argv[3]
    child, terminal = pty.fork()
    if not child:
        os.execvp(sys.argv[4], sys.argv[4:])
    end = time.monotonic() + limit
    seen, todo, quiet = b"", [part.encode() for part in text.split("|")], 0
    while time.monotonic() < end and not os.path.exists(result):
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                new = os.read(terminal, 65536)
            except OSError:
                break
            # fish asks the terminal what it is, and waits for the answer
            if b"\x1b[c" in new or b"\x1b[0c" in new:
                os.write(terminal, b"\x1b[?62c")
            seen += new
            quiet = 0
            continue
        quiet += 1
        # a key at a time, when the shell has nothing more to say
        if quiet >= 2 and todo and seen:
            os.write(terminal, todo.pop(0))
            quiet = 0
    os.kill(child, 9)
    os.waitpid(child, 0)
    if not os.path.exists(result):
        sys.stderr.write(seen.decode(errors="replace"))
        sys.exit(1)


main()
