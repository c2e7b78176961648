"""Makes the environment of a script's requirements, once: `python build_environment.py FOLDER REQUIREMENT...`.

FOLDER gets venv/, layered over the Python that runs this (its packages are seen, and newer ones win), and the file `complete` when pip is done.
Who comes second waits for the first; what a failed or killed build left is removed. pip's output is this program's. No shell, no pip options:
requirements are checked before they come here.
"""
import fcntl
import glob
import os
import shutil
import signal
import site
import subprocess
import sys
import venv


def say(text):
    print("environment: " + text, flush=True)


def layer_over_base(folder):
    """A virtual environment sees the system's packages by itself, but not those of the virtual environment that it was made from."""
    if sys.prefix == sys.base_prefix:
        return
    with open(os.path.join(site_packages(folder), "_base.pth"), "w") as out:
        out.write("\n".join(path for path in site.getsitepackages() if os.path.isdir(path)) + "\n")


def site_packages(folder):
    return glob.glob(os.path.join(folder, "lib", "python*", "site-packages"))[0]


def build(folder, requirements):
    say("building %s for %s" % (os.path.basename(os.path.dirname(folder)), ", ".join(requirements)))
    venv.EnvBuilder(system_site_packages=True, with_pip=False, symlinks=True).create(folder)
    layer_over_base(folder)
    python = os.path.join(folder, "bin", "python")
    if subprocess.call([python, "-c", "import pip"], stderr=subprocess.DEVNULL) != 0:
        subprocess.check_call([python, "-m", "ensurepip", "--upgrade"])
    command = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--no-cache-dir",
               "--progress-bar", "off", "--root-user-action", "ignore", "--"]
    return subprocess.call(command + requirements)


def main():
    folder, requirements = sys.argv[1], sys.argv[2:]
    venv_folder, complete = os.path.join(folder, "venv"), os.path.join(folder, "complete")
    with open(os.path.join(folder, "lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(complete):
            say("using %s, built before" % os.path.basename(folder))
            return 0
        shutil.rmtree(venv_folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        status = 1
        try:
            status = build(venv_folder, requirements)
        finally:
            if status != 0:
                shutil.rmtree(venv_folder, ignore_errors=True)
        if status == 0:
            os.sync()  # the marker must not outlive a power cut that its environment did not
            with open(complete, "w") as out:
                os.fsync(out.fileno())
        return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
