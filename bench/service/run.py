#!/usr/bin/env python3
"""Measures the service from outside, as the README's table shows it. Needs `wrk` (Debian's package) and a release build.

    python3 bench/service/run.py                       # everything, about 10 minutes
    python3 bench/service/run.py --only submit,status  # parts: rest, submit, status, latency, drain, busy, stored, waiting
    python3 bench/service/run.py --seconds 3 --stored 100,10000

All on one machine: the load generator and the service share its cores. A submission is durable (fsynced) when it is answered; the disk's own
fsync rate is shown beside it. `cpu` is the service's CPU time for a request.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

from follow import EventWriter, LogWriter, follow
from service import Service

PARTS = ("rest", "submit", "status", "latency", "drain", "busy", "follow", "stored", "waiting")


def fsync_rate(folder, seconds=1.0):
    """fdatasync calls a second after 4 KiB written over old ones, as a log that is reused does."""
    path = pathlib.Path(folder) / "fsync.probe"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(descriptor, bytes(4096 * 256), 0)
        os.fsync(descriptor)
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            os.pwrite(descriptor, os.urandom(4096), count % 256 * 4096)
            os.fdatasync(descriptor)
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()


def show(name, value, goal=""):
    print(f"| {name} | {value} | {goal} | {os.getloadavg()[0]:.1f} |", flush=True)


def rate_text(f):
    wrong = f", {f['refused']} refused, {f['broken']} broken" if f["refused"] or f["broken"] else ""
    return f"{f['rate']:,.0f}/s, p50 {f['p50']:.1f} ms, p99 {f['p99']:.1f} ms, cpu {f['cpu_us']:.0f} µs{wrong}"


class Bench:
    def __init__(self, options):
        self.options = options
        self.binaries = pathlib.Path(options.binaries).resolve()

    def service(self):
        return Service(self.binaries, self.options.folder)

    def paused(self, service):
        """Options that keep tasks waiting."""
        return ["--paused"] if "--paused" in service.options() else []

    def hold(self, service, name):
        """All slots taken by tasks that don't end."""
        tasks = [service.submit(name) for _ in os.sched_getaffinity(0)]  # a slot is a core: --cores_per_worker 1
        while any(service.get(f"/task/status/{task}")["status"] == "pending" for task in tasks):
            time.sleep(0.01)
        time.sleep(0.3)

    def start_idle(self, service):
        """Dispatch paused: by the option, or by sleeping workers on all slots."""
        option = self.paused(service)
        service.start(*option)
        if not option:
            self.hold(service, "sleep")

    def rest(self):
        service = self.service()
        try:
            starts = []
            for _ in range(5):
                starts.append(service.start())
                time.sleep(1)
                memory = service.memory()
                service.stop()
            show("ready after", f"{statistics.median(starts) * 1e3:.0f} ms (median of 5)", "≤ 200 ms")
            show("memory at rest, resident (proportional)", f"{memory[0]:.1f} MB ({memory[1]:.1f})", "≤ 40 MB")
        finally:
            service.remove()

    def submit(self):
        service = self.service()
        try:
            show("the disk: fdatasync of 4 KiB", f"{fsync_rate(service.folder):.0f}/s")
            self.start_idle(service)
            for connections in (1, 64):
                figures = service.wrk("submit.lua", self.options.seconds, connections)
                show(f"submissions, {connections} connections", rate_text(figures), "≥ 5,000/s, p99 ≤ 20 ms" if connections == 64 else "")
            stored = service.store().execute("SELECT count(*) FROM tasks").fetchone()[0]
            show("memory with these waiting", f"{service.memory()[0]:.1f} MB, {stored:,} tasks")
        finally:
            service.remove()

    def status(self):
        service = self.service()
        try:
            self.start_idle(service)
            waiting = [service.submit() for _ in range(200)]
            for connections in (1, 64):
                figures = service.wrk_get([f"/task/status/{task}" for task in waiting], self.options.seconds, connections)
                show(f"status of waiting tasks, {connections} connections", rate_text(figures), "≥ 20,000/s, p99 ≤ 20 ms" if connections == 64 else "")
            figures = service.wrk_get(["/ping"], self.options.seconds, 64)
            show("ping, 64 connections", rate_text(figures))
        finally:
            service.remove()

    def busy(self):
        service = self.service()
        try:
            service.start()
            self.hold(service, "spin")
            figures = service.wrk("submit.lua", self.options.seconds, 64)
            show("submissions, 64 connections, all slots computing", rate_text(figures), "≥ 2,500/s")
            figures = service.wrk_get([f"/task/status/{task}" for task in service.some_ids(500)], self.options.seconds, 64)
            show("status, 64 connections, all slots computing", rate_text(figures), "≥ 10,000/s")
        finally:
            service.remove()

    def latency(self):
        service = self.service()
        try:
            service.start()
            waits = []
            for _ in range(30):
                began = time.time()
                task = service.submit()
                while service.get(f"/task/status/{task}")["status"] in ("pending", "running"):
                    time.sleep(0.02)
                started = service.workspace / "task_workspace" / task / "work" / "started.txt"
                waits.append(float(started.read_text()) - began)
                time.sleep(0.05)
            waits.sort()
            show("submission sent → worker's main()", f"median {statistics.median(waits) * 1e3:.1f} ms, of 30 the longest {waits[-1] * 1e3:.1f}", "≤ 20 ms")
        finally:
            service.remove()

    def drain(self):
        service = self.service()
        try:
            service.start()
            before, began = service.cpu_seconds(), time.perf_counter()
            service.wrk("submit.lua", 1, 64)
            store = service.store()
            wanted = 1000
            while (done := store.execute("SELECT count(*) FROM tasks WHERE state='done'").fetchone()[0]) < wanted:
                time.sleep(0.1)
                if time.perf_counter() - began > 300:
                    break
            seconds = time.perf_counter() - began
            show("trivial tasks, each a process", f"{done / seconds:.1f}/s ({done:,} in {seconds:.1f} s), service's cpu "
                 f"{(service.cpu_seconds() - before) / done * 1e3:.1f} ms a task", "≥ 50/s")
        finally:
            service.remove()

    def follow(self):
        for kind, path in (("WebSocket", "/task/screen/{}"), ("server-sent events", "/task/{}/events")):
            service = self.service()
            try:
                service.start()
                task = service.submit("sleep")
                while service.get(f"/task/status/{task}")["status"] == "pending":
                    time.sleep(0.01)
                writer = EventWriter(service, task) if kind != "WebSocket" else LogWriter(service, task)
                before, memory = service.cpu_seconds(), service.memory()[0]
                f = follow(service.port, path.format(task), writer, connections=64, rate=200, seconds=self.options.seconds)
                cpu = (service.cpu_seconds() - before) / f["delivered"] * 1e6
                show(f"{kind}, 64 followers of 200 lines a second", f"{f['delivered'] / f['seconds']:,.0f} lines/s, {f['missing']} missing, written to seen "
                     f"p50 {f['p50']:.1f} ms, p99 {f['p99']:.1f} ms, cpu {cpu:.0f} µs a line, {service.memory()[0] - memory:+.1f} MB")
            finally:
                service.remove()

    def stored(self):
        for count in [int(text) for text in self.options.stored.split(",")]:
            service = self.service()
            try:
                service.start()
                task = service.submit()
                while service.get(f"/task/status/{task}")["status"] != "done":
                    time.sleep(0.05)
                service.stop()
                service.multiply(count)
                size = (service.workspace / "db" / "task.db").stat().st_size
                ready = service.start(*self.paused(service))
                at_rest = service.memory()[0]
                ids = service.some_ids(5000)
                one = service.wrk_get([f"/task/status/{task}" for task in ids], self.options.seconds, 1)
                many = service.wrk_get([f"/task/status/{task}" for task in ids], self.options.seconds, 64)
                name = f"{count:,} stored ({size / 1e6:,.0f} MB)"
                show(f"{name}: ready, memory", f"{ready * 1e3:.0f} ms, {at_rest:.1f} MB at first, {service.memory()[0]:.1f} MB after the reads", "≤ 200 ms, ≤ 80 MB")
                show(f"{name}: status, 1 connection", rate_text(one), "flat")
                show(f"{name}: status, 64 connections", rate_text(many))
                for path in ("/tasks?limit=100", f"/tasks?limit=100&after={count // 2}", "/tasks?limit=100&status=done", "/task/?limit=100"):
                    figures = service.wrk_get([path], max(1, self.options.seconds // 3), 1)
                    show(f"{name}: {path}", f"p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms")
                figures = service.wrk("submit.lua", self.options.seconds, 64)
                show(f"{name}: submissions, 64 connections", rate_text(figures))
                show(f"{name}: memory then", f"{service.memory()[0]:.1f} MB", "≤ 80 MB")
            finally:
                service.remove()

    def waiting(self):
        """As many tasks wait as `stored` has at most."""
        count = max(int(text) for text in self.options.stored.split(","))
        service = self.service()
        try:
            service.start(*self.paused(service))
            service.submit()
            service.stop()
            service.multiply(count, "pending")
            ready = service.start(*self.paused(service))
            name = f"{count:,} waiting"
            show(f"{name}: ready, memory", f"{ready * 1e3:.0f} ms, {service.memory()[0]:.1f} MB", "≤ 80 MB")
            for connections in (1, 64):
                figures = service.wrk_get([f"/task/status/{task}" for task in service.some_ids(5000)], self.options.seconds, connections)
                show(f"{name}: status, {connections} connection{'s' if connections > 1 else ''}", rate_text(figures))
            figures = service.wrk("submit.lua", self.options.seconds, 64)
            show(f"{name}: submissions, 64 connections", rate_text(figures))
            show(f"{name}: memory then", f"{service.memory()[0]:.1f} MB", "≤ 80 MB")
            service.stop()
            service.start()
            time.sleep(self.options.seconds)
            done = service.store().execute("SELECT count(*) FROM tasks WHERE state='done'").fetchone()[0]
            show(f"{name}: run", f"{done / self.options.seconds:.1f}/s, {service.memory()[0]:.1f} MB", "≤ 80 MB")
        finally:
            service.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", default=pathlib.Path(__file__).resolve().parents[2] / "build" / "bin")
    parser.add_argument("--folder", help="where the workspaces are made; its disk is measured too (default: the system's temporary folder)")
    parser.add_argument("--seconds", type=int, default=10, help="of each load")
    parser.add_argument("--stored", default="100,10000,1000000")
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    if subprocess.run(["sh", "-c", "command -v wrk"], capture_output=True).returncode:
        sys.exit("wrk is not installed: apt-get install wrk")
    print("| what | measured | to reach | load |\n| --- | --- | --- | ---: |")
    bench = Bench(options)
    for part in options.only.split(","):
        if part not in PARTS:
            sys.exit(f"no part '{part}'; there are {', '.join(PARTS)}")
        getattr(bench, part)()


main()
