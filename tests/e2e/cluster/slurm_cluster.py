"""Slurm inside of a lab (lab.py): a controller and several slurmd on this machine, on free ports, with state in a temporary folder."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import lab

CONFIG = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmctldTimeout=10
SlurmdTimeout={node_timeout}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
SchedulerType=sched/backfill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=5
MinJobAge=300
InactiveLimit=0
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
NodeName=node[1-{count}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first_port}-{last_port}] CPUs={cpus} Sockets=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory=20000 State=UNKNOWN
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL Default=NO MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def descendants(pid):
    """The processes that `pid` started, and theirs, now."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid for child in children for pid in (int(child), *descendants(child))]


class SlurmCluster:
    """`with SlurmCluster(4) as slurm:` node1 ... node4 in the partitions `work` (the default) and `urgent`, whose jobs take nodes from `work`.
    This process and its children reach it by SLURM_CONF."""

    def __init__(self, count, cpus=1, node_timeout=10):
        if os.environ.get(lab.INSIDE) != "1":
            raise RuntimeError("not in a lab: start it with lab.py")
        self.count = count
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns_slurm_", dir="/dev/shm"))
        (self.folder / "state").mkdir()
        self.config = self.folder / "slurm.conf"
        # The network is the lab's own: every port is free.
        self.config.write_text(CONFIG.format(host=socket.gethostname().split(".")[0], folder=self.folder, count=count, cpus=cpus, node_timeout=node_timeout,
                                             controller_port=17000, first_port=17001, last_port=17000 + count))
        self.daemons = {}

    def __enter__(self):
        os.environ["SLURM_CONF"] = str(self.config)
        # Slurm resolves no name, and not even an address, on a machine that has the loopback device only.
        for words in ("add outside0 type bridge", "set outside0 up"):
            subprocess.run(["ip", "link", *words.split()], check=True)
        subprocess.run("ip address add 198.18.78.1/24 dev outside0".split(), check=True)
        try:
            self.start_controller()
            for number in range(1, self.count + 1):
                self.start_node(number)
            self.await_nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.daemons):
            self.kill(name)
        subprocess.run("ip link delete outside0".split(), check=True)

    def start_controller(self):
        self.daemons["slurmctld"] = subprocess.Popen(["slurmctld", "-D", "-c", "-f", str(self.config)], stderr=subprocess.DEVNULL)

    def start_node(self, number):
        (self.folder / f"spool-node{number}").mkdir(exist_ok=True)
        self.daemons[f"node{number}"] = subprocess.Popen(["slurmd", "-D", "-N", f"node{number}", "-f", str(self.config)], stderr=subprocess.DEVNULL)

    def kill(self, name, kill_signal=signal.SIGKILL):
        """Ends the daemon: "slurmctld", or that of "node1"."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(kill_signal)
        daemon.wait()

    def lose(self, node):
        """The machine of that node fails: the daemon, and the processes of its jobs. Their slurmstepd goes first, so that it cannot tell the controller of
        an end; it is known by its children alone, since it writes over its environment."""
        self.kill(node)
        of_jobs, parents = [], []
        for pid in descendants(1):
            try:
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
                if f"SLURMD_NODENAME={node}".encode() in environment:
                    of_jobs.append(pid)
                    if pathlib.Path(f"/proc/{parent}/cmdline").read_text().startswith("slurmstepd"):
                        parents.append(parent)
            except OSError:
                pass
        for pid in parents + of_jobs:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def restart_controller(self):
        """With the state that an earlier one left."""
        self.daemons["slurmctld"] = subprocess.Popen(["slurmctld", "-D", "-f", str(self.config)], stderr=subprocess.DEVNULL)

    def ask(self, *command, check=True):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr}{done.stdout}")
        return done.stdout

    def states(self):
        return dict(line.split() for line in self.ask("sinfo", "-h", "-N", "-p", "work", "-o", "%N %T", check=False).splitlines())

    def await_nodes(self, seconds=30):
        end = time.monotonic() + seconds
        while list(self.states().values()).count("idle") != self.count:
            if time.monotonic() > end:
                raise RuntimeError(f"Slurm's nodes: {self.states()}; {self.log('slurmctld')}")
            time.sleep(0.1)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()[-3000:]


if __name__ == "__main__":  # a cluster to try things on: python3 lab.py python3 slurm_cluster.py COMMAND...
    with SlurmCluster(4):
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
