"""The hosts themselves: mpirun reaches each of them, and they fail as told."""
import os
import subprocess
import unittest

from mpi_hosts import MpiHosts

AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def mpirun(host, *command, timeout=30):
    return subprocess.run(["mpirun", "-np", "1", "--host", host, *command], capture_output=True, text=True, timeout=timeout, env={**os.environ, **AS_ROOT})


class MpiHostsTest(unittest.TestCase):
    def test_mpirun_starts_a_process_on_the_host_that_it_names(self):
        with MpiHosts(2):
            for name in ("node1", "node2"):
                done = mpirun(name, "hostname")
                self.assertEqual((done.returncode, done.stdout.strip()), (0, name), done.stderr)

    def test_a_host_that_is_cut_off_or_full_or_has_no_sshd_cannot_be_used_until_it_is_mended(self):
        with MpiHosts(1) as hosts:
            host = hosts[1]
            for what, harm, mend in [("cut", host.cut, host.mend), ("full", host.fill, host.empty), ("no sshd", lambda: host.kill("sshd"), host.start_sshd)]:
                harm()
                self.assertNotEqual(mpirun("node1", "true").returncode, 0, what)
                mend()
                hosts.await_ssh()
                self.assertEqual(mpirun("node1", "true").returncode, 0)

    def test_nothing_of_a_host_outlives_it(self):
        with MpiHosts(1) as hosts:
            subprocess.run(["ssh", "node1", "setsid sleep 1000 </dev/null >/dev/null 2>&1 &"], check=True)
            self.assertEqual(len(hosts[1].processes("sleep 1000")), 1)
            first = hosts[1].init
        self.assertFalse(os.path.exists(f"/proc/{first}"))
        self.assertNotIn("sleep 1000", subprocess.run(["ps", "axo", "args"], capture_output=True, text=True).stdout)


if __name__ == "__main__":
    unittest.main()
