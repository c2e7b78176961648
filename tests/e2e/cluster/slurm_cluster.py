"""Slurm inside of a lab (lab.py): a controller on the host `head`, and a slurmd on each of several hosts (hosts.py), with state in a temporary folder."""
import os
import subprocess
import sys
import time

from hosts import NETWORK, Hosts

CONFIG = """
ClusterName=lab
SlurmctldHost=head({network}.1)
SlurmctldPort=17000
SlurmctldTimeout=10
SlurmdPort=17001
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
{nodes}
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL Default=NO MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


class SlurmCluster(Hosts):
    """`with SlurmCluster(4) as slurm:` node1 ... node4 in the partitions `work` (the default) and `urgent`, whose jobs take nodes from `work`.
    This process and its children reach it by SLURM_CONF."""

    def __init__(self, count, node_timeout=10):
        super().__init__(count)
        (self.folder / "state").mkdir()
        self.config = self.folder / "slurm.conf"
        nodes = "\n".join(f"NodeName={host.name} NodeAddr={host.address} CPUs=1 Sockets=1 CoresPerSocket=1 ThreadsPerCore=1 RealMemory=20000 State=UNKNOWN"
                          for host in self.hosts)
        self.config.write_text(CONFIG.format(folder=self.folder, node_timeout=node_timeout, network=NETWORK, nodes=nodes))
        self.daemons = {}

    def begin(self):
        os.environ["SLURM_CONF"] = str(self.config)
        self.start_controller("-c")
        for host in self.hosts:
            self.start_node(host.number)
        self.await_nodes()

    def __exit__(self, *_):
        for name in list(self.daemons):
            self.kill(name)
        super().__exit__()

    def start_controller(self, *options):
        """With the state that an earlier one left, if there was one."""
        self.daemons["slurmctld"] = subprocess.Popen(["slurmctld", "-D", *options, "-f", str(self.config)], stderr=subprocess.DEVNULL)

    def start_node(self, number):
        host = self[number]
        if host.init is None:
            host.start()
        (self.folder / f"spool-{host.name}").mkdir(exist_ok=True)
        command = host.words(*host.on_cores("slurmd", "-D", "-N", host.name, "-f", self.config))
        self.daemons[host.name] = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def kill(self, name):
        """Ends the daemon by SIGKILL: "slurmctld", or that of "node1"."""
        daemon = self.daemons.pop(name)
        if name == "slurmctld":
            daemon.kill()
        else:
            while self.named(name).kill("slurmd -D") == 0 and daemon.poll() is None:  # it has not come so far yet
                time.sleep(0.05)
        daemon.wait()

    def await_saved(self):
        """What the controller knows now is on its disk: it writes there every few seconds, and one that is killed forgets what came later."""
        now, saved = time.time(), self.folder / "state/job_state"
        while not (saved.exists() and saved.stat().st_mtime > now) and time.time() < now + 6:
            time.sleep(0.1)

    def lose(self, name):
        """The machine of that node fails, with all that runs there; nothing is told of it."""
        host = self.named(name)
        host.cut()
        host.stop()
        self.daemons.pop(name).wait()

    def reset(self):
        """As it was at the start, whatever a test did to it."""
        if "slurmctld" not in self.daemons:
            self.start_controller()
        for host in self.hosts:
            if host.name not in self.daemons:
                self.start_node(host.number)
            host.mend()
        for command in (["scancel", "--user=root"], ["scontrol", "update", "PartitionName=work", "State=up"]):
            self.ask(*command, check=False)
        self.await_nodes()

    def ask(self, *command, check=True):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr}{done.stdout}")
        return done.stdout

    def states(self):
        return dict(line.split() for line in self.ask("sinfo", "-h", "-N", "-p", "work", "-o", "%N %T", check=False).splitlines())

    def await_nodes(self, seconds=40):
        end = time.monotonic() + seconds
        while list((states := self.states()).values()).count("idle") != len(self.hosts):
            if time.monotonic() > end:
                raise RuntimeError(f"Slurm's nodes: {states}; {self.log('slurmctld')}")
            for name, state in states.items():
                if state.startswith(("down", "drain")):
                    self.ask("scontrol", "update", f"NodeName={name}", "State=resume", check=False)
            time.sleep(0.1)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()[-3000:]


if __name__ == "__main__":  # a cluster to try things on: python3 lab.py python3 slurm_cluster.py COMMAND...
    with SlurmCluster(4):
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
