"""Become another program, as another user if asked. The kernel signals it if the parent dies.

Run as a script with the standard library only: `launch.py PARENT_PID DEATH_SIGNAL UID GID COMMAND…` (UID -1 keeps
the user). It replaces subprocess's preexec_fn, which runs Python between fork and exec: that is not safe in a process with threads.
"""

import ctypes  # here, not where it is used: after the change of user, Python's own files may be out of reach
import os
import sys


def die_with_parent(parent: int, death_signal: int) -> None:
    """Linux only: elsewhere a child outlives a parent that was killed with SIGKILL."""
    if sys.platform != "linux":
        return
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_parent_death_signal, death_signal)
    if os.getppid() != parent:  # it died before the call above
        sys.exit(1)


def main() -> None:
    parent, death_signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    command = sys.argv[5:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, which clears the setting.
    die_with_parent(parent, death_signal)
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


main()
