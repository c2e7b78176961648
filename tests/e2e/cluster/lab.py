"""A machine of its own for tests with real cluster software: namespaces in which everything ends, and is undone, with the test.

`python3 lab.py COMMAND...` runs COMMAND in new mount, network, PID, IPC and UTS namespaces: no process, mount, address or listening port of it is seen
outside, and the kernel ends all of it when COMMAND ends, however that happens. /etc, /run and root's .ssh may be written to: they are copies.
"""
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

INSIDE = "NS_LAB"
CANNOT = "the cluster tests need to make namespaces, mounts and network devices: run them as root, in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN"


def _mount(source, target, kind, flags=0, data=None):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(str(source).encode(), str(target).encode(), kind and kind.encode(), ctypes.c_ulong(flags), data and data.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def bind(source, target):
    """`source` is seen at `target`, in this mount namespace only."""
    _mount(source, target, None, flags=4096)  # MS_BIND


def memory_folder(target, size):
    """An empty file system of at most `size` bytes at `target`, in this mount namespace only."""
    _mount("tmpfs", target, "tmpfs", data=f"size={size}")


def _copy(folder):
    """What is written there from now on is gone with the lab."""
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm")) / "copy"
    shutil.copytree(folder, copy, symlinks=True, ignore_dangling_symlinks=True, ignore=_special_files)
    bind(copy, folder)


def _special_files(folder, names):
    return [name for name in names if not any(check(pathlib.Path(folder, name)) for check in (os.path.isfile, os.path.isdir, os.path.islink))]


def _enter():
    memory_folder("/dev/shm", 1 << 28)
    for folder in ("/etc", os.path.expanduser("~root/.ssh")):
        _copy(folder)
    memory_folder("/run", 1 << 24)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main(command):
    if os.environ.get(INSIDE) != "1":
        if os.geteuid() != 0:
            sys.exit(CANNOT)
        probe = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
        if subprocess.run([*probe, "ip", "link", "add", "probe", "type", "bridge"], capture_output=True).returncode != 0:
            sys.exit(CANNOT)
        os.execvpe("unshare", [*probe, sys.executable, __file__, *command], {**os.environ, INSIDE: "1"})
    _enter()
    # The first process of the PID namespace: takes in what others leave behind, and ends everything when COMMAND has ended.
    child = os.spawnvp(os.P_NOWAIT, command[0], command)
    while True:
        pid, status = os.wait()
        if pid == child:
            sys.exit(os.waitstatus_to_exitcode(status) & 255)


if __name__ == "__main__":
    main(sys.argv[1:])
