"""Hosts for Open MPI (hosts.py), with an sshd each."""
import os
import pathlib
import subprocess
import sys
import time

from hosts import Host, Hosts, run


class SshHost(Host):
    def start(self):
        super().start()
        self.start_sshd()

    def start_sshd(self):
        # Not started through nsenter's shell of ours: it is a child of the host's first process, as on a machine.
        self.inside(*self.on_cores("/usr/sbin/sshd", "-f", self.folder / "sshd_config", "-o", f"ListenAddress={self.address}", "-o", "PidFile=/run/sshd.pid"))


class MpiHosts(Hosts):
    """`with MpiHosts(4) as hosts:` node1 ... node4 can be reached as `mpirun -np 1 --host node3`, from this process and its children."""
    kind = SshHost

    def begin(self):
        self.make_keys()
        super().begin()
        self.await_ssh()

    def make_keys(self):
        for name in ("host_key", "user_key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        (self.folder / "authorized_keys").write_text((self.folder / "user_key.pub").read_text())
        (self.folder / "sshd_config").write_text(
            f"HostKey {self.folder}/host_key\nAuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nMaxStartups 100\nSetEnv TMPDIR=/run/tmp\n")
        config = pathlib.Path(os.path.expanduser("~root/.ssh/config"))
        config.write_text(f"Host node*\n  IdentityFile {self.folder}/user_key\n  UserKnownHostsFile {self.folder}/known_hosts\n"
                          "  StrictHostKeyChecking yes\n  ConnectTimeout 5\n  LogLevel ERROR\n")
        config.chmod(0o600)
        key = (self.folder / "host_key.pub").read_text()
        (self.folder / "known_hosts").write_text("".join(f"{h.name},{h.address} {key}" for h in self.hosts))

    def await_ssh(self):
        for host in self.hosts:
            end = time.monotonic() + 10
            while subprocess.run(["ssh", "-o", "BatchMode=yes", host.name, "true"], capture_output=True).returncode != 0:
                if time.monotonic() > end:
                    raise RuntimeError(f"no ssh to {host.name}")
                time.sleep(0.1)

    def hostfile(self, cores=1):
        path = self.folder / "hostfile"
        path.write_text("".join(f"{h.name} 1 {cores}\n" for h in self.hosts))
        return path


if __name__ == "__main__":  # a cluster to try things on: python3 lab.py python3 mpi_hosts.py COMMAND...
    with MpiHosts(4):
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
