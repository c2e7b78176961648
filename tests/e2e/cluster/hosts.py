"""Hosts inside of a lab (lab.py): each is a network, UTS, PID and mount namespace with an address of its own on a common bridge, and a name that all
know. They share the machine's disk, as a cluster shares a network file system."""
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import lab

NETWORK = "198.18.77"  # RFC 2544: for tests of networks; in the lab's own network namespace


def run(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


class Host:
    links = itertools.count(1)  # the kernel takes its time to let go of a name

    def __init__(self, number, cores, folder):
        self.number, self.cores, self.folder = number, cores, folder
        self.name, self.address, self.link = f"node{number}", f"{NETWORK}.{10 + number}", None
        self.init = None  # the first process of its PID namespace

    def start(self):
        self.link = f"veth{next(Host.links)}"
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.make_namespaces()))
        run("ip", "link", "set", self.link, "master", "cluster0", "up")
        self.inside("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.inside("ip", "link", "set", "eth0", "up")
        self.inside("ip", "link", "set", "lo", "up")

    def make_namespaces(self):
        # Its own /proc and /run, with its folder for temporary files; the mounts of /etc and of the disk are the lab's. Who ignores SIGCHLD need not wait for children.
        script = "mount -t tmpfs -o size=16m,nr_inodes=200 run /run; mkdir /run/sshd /run/tmp; trap '' CHLD; echo; exec sleep infinity"
        self.shell = subprocess.Popen(["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc",
                                       *self.on_cores("sh", "-c", f"hostname {self.name}; {script}")], stdout=subprocess.PIPE)
        self.shell.stdout.readline()
        self.init = int(pathlib.Path(f"/proc/{self.shell.pid}/task/{self.shell.pid}/children").read_text().split()[0])
        return self.init

    def on_cores(self, *command):
        return ["taskset", "-c", ",".join(map(str, self.cores)), *map(str, command)]

    def words(self, *command):
        """Those that run the command there."""
        return ["nsenter", "--target", str(self.init), "--mount", "--net", "--pid", "--ipc", "--uts", "--wd=/", *map(str, command)]

    def inside(self, *command, check=True):
        return subprocess.run(self.words(*command), check=check, capture_output=True, text=True)

    def processes(self, text):
        """Those on this host (pids of the lab) whose command line has `text`."""
        space = os.readlink(f"/proc/{self.init}/ns/pid")
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(folder / "ns/pid") == space and text in (folder / "cmdline").read_text().replace("\0", " "):
                    found.append(int(folder.name))
            except (OSError, UnicodeDecodeError):
                pass
        return sorted(found)

    def kill(self, text, kill_signal=signal.SIGKILL):
        """Ends those processes; how many there were."""
        pids = self.processes(text)
        for pid in pids:
            try:
                os.kill(pid, kill_signal)
            except ProcessLookupError:
                pass
        return len(pids)

    def cut(self):
        run("ip", "link", "set", self.link, "down")

    def mend(self):
        run("ip", "link", "set", self.link, "up")

    def fill(self):
        """No room is left for temporary files."""
        self.inside("sh", "-c", "i=0; while echo > /run/tmp/full$i; do i=$((i + 1)); done; cat /dev/zero > /run/tmp/full0", check=False)

    def empty(self):
        self.inside("sh", "-c", "rm -f /run/tmp/full*")

    def stop(self):
        self.shell.kill()  # and with it, by --kill-child, all in the namespace
        self.shell.wait()
        self.shell.stdout.close()
        self.init = None


class Hosts:
    """`with Hosts(4) as hosts:` hosts[1] is node1. This process is on the host `head`."""
    kind = Host

    def __init__(self, count):
        if os.environ.get(lab.INSIDE) != "1":
            raise RuntimeError("not in a lab: start it with lab.py")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_hosts_", dir="/dev/shm"))
        cores = sorted(os.sched_getaffinity(0))
        self.hosts = [self.kind(n, [cores[n % len(cores)]], self.folder) for n in range(1, count + 1)]

    def __enter__(self):
        with open("/etc/hosts", "w") as names:
            names.write(f"127.0.0.1 localhost\n{NETWORK}.1 head\n" + "".join(f"{h.address} {h.name}\n" for h in self.hosts))
        socket.sethostname("head")
        run("ip", "link", "add", "cluster0", "type", "bridge")
        run("ip", "address", "add", f"{NETWORK}.1/24", "dev", "cluster0")
        run("ip", "link", "set", "cluster0", "up")
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        for host in self.hosts:
            host.start()

    def __exit__(self, *_):
        for host in self.hosts:
            if host.init:
                host.stop()
        run("ip", "link", "delete", "cluster0")

    def __getitem__(self, number):
        return self.hosts[number - 1]

    def named(self, name):
        return next(host for host in self.hosts if host.name == name)
