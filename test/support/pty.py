"""Runs a program on a pseudo-terminal of a given size: pty.py <columns> <rows> <program> <word>...

Standard input is what is typed, standard output what the program writes to its terminal. File descriptor 3 takes messages,
one a line: "size <columns> <rows>", "hangup". When it is closed the program is killed. Exits as the program does.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

CONTROL = 3


def set_size(descriptor, columns, rows):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    columns, rows, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    child, master = pty.fork()
    if child == 0:
        set_size(0, columns, rows)
        os.close(CONTROL)
        try:
            os.execvp(program[0], program)
        finally:
            os._exit(127)
    os.set_blocking(master, False)
    relay(child, master)
    _, status = os.waitpid(child, 0)
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def relay(child, master):
    typed, messages = b"", b""
    sources = {0, CONTROL, master}
    while True:
        ready, writable, _ = select.select(list(sources), [master] if typed else [], [])
        if writable:
            try:
                typed = typed[os.write(master, typed):]
            except BlockingIOError:
                pass
        if master in ready:
            try:
                output = os.read(master, 65536)
            except OSError:  # EIO: nobody holds the terminal any more
                return
            if not output:
                return
            write_all(output)
        if 0 in ready:
            chunk = os.read(0, 65536)
            typed += chunk
            if not chunk:
                sources.discard(0)
        if CONTROL in ready:
            chunk = os.read(CONTROL, 65536)
            if not chunk:
                os.kill(child, signal.SIGKILL)
                return
            *lines, messages = (messages + chunk).split(b"\n")
            for line in lines:
                if line == b"hangup":
                    os.close(master)
                    return
                _, columns, rows = line.split()
                set_size(master, int(columns), int(rows))


def write_all(output):
    while output:
        output = output[os.write(1, output):]


main()
