"""Those who follow a task: its log by WebSocket, its events by server-sent events. Nothing lost, nothing twice, resumed where it broke off."""
import concurrent.futures
import json
import threading
import time
import unittest
import uuid

from follow import EventSource, Refused, WebSocket, follow_many
from harness import ServiceTest, until

FOLLOWERS = 24


class FollowTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.start()

    def screen(self, task, query="", **more):
        socket = WebSocket(self.port, f"/task/screen/{task}{query}", **more)
        self.addCleanup(socket.close)
        return socket

    def test_the_screen_shows_the_log_and_closes_with_1000_when_the_task_has_ended(self):
        task = self.submit("sleep=0.5")
        screen = self.screen(task)
        self.assertEqual(list(screen.lines()), ["fake worker: started", "fake worker: done"])
        self.assertEqual(screen.close_code, 1000)
        again = self.screen(task)
        self.assertEqual(again.message(), "fake worker: started\nfake worker: done")
        self.assertIsNone(again.message())
        self.assertEqual(again.close_code, 1000)

    def test_a_line_is_shown_when_it_is_written(self):
        task = self.submit("sleep=60")
        screen = self.screen(task)
        self.assertEqual(screen.message(), "fake worker: started")
        log = self.workspace / "task_log" / f"task_{task}.txt"
        for number in range(5):
            with open(log, "a") as out:
                out.write(f"line {number}\nhalf")
            self.assertEqual(screen.message(), f"{'half' if number else ''}line {number}")
        self.assertEqual(self.request("POST", f"/task/{task}/cancel").status, 200)
        self.assertIn("half", list(screen.lines()))
        self.assertEqual(screen.close_code, 1000)

    def test_after_leaves_out_the_lines_that_a_client_has(self):
        task = self.submit("lines=1000")
        self.await_state(task, "done")
        everything = list(self.screen(task).lines())
        self.assertEqual(len(everything), 1002)
        for after in (1, 500, 1001, 1002, 5000):
            self.assertEqual(list(self.screen(task, f"?after={after}").lines()), everything[after:])
        with self.assertRaises(Refused) as refused:
            self.screen(task, "?after=-1")
        self.assertEqual(refused.exception.args[0], 422)

    def test_pings_are_answered_and_what_a_client_says_is_ignored(self):
        task = self.submit("sleep=0.5")
        screen = self.screen(task)
        screen.send(9, b"are you there")
        screen.send(1, b"hello")
        self.assertEqual(list(screen.lines()), ["fake worker: started", "fake worker: done"])
        self.assertEqual(screen.pongs, [b"are you there"])

    def test_a_screen_is_refused_as_http(self):
        task = self.submit()
        for path, status in ((f"/task/screen/{uuid.uuid4().hex}", 404), ("/task/screen/1", 422)):
            with self.assertRaises(Refused) as refused:
                WebSocket(self.port, path)
            self.assertEqual(refused.exception.args[0], status)
            self.assertIn("detail", json.loads(refused.exception.args[1]))
        with self.assertRaises(Refused) as refused:
            self.screen(task, headers=["Origin: http://elsewhere.example"])
        self.assertEqual(refused.exception.args[0], 403)
        plain = self.get(f"/task/screen/{task}")
        self.assertEqual((plain.status, plain.headers["Upgrade"]), (426, "websocket"))

    def test_many_followers_of_a_fast_writer_get_every_line_once(self):
        task = self.submit("lines=20000+sleep=1")
        until(lambda: self.status(task)["status"] != "pending", what="task started")
        with concurrent.futures.ThreadPoolExecutor(FOLLOWERS) as pool:
            got = list(pool.map(lambda _: list(self.screen(task).lines()), range(FOLLOWERS)))
        want = ["fake worker: started", *(f"fake worker: line {n}" for n in range(20000)), "fake worker: done"]
        for lines in got:
            self.assertEqual(lines, want)

    def test_200_followers_of_one_log_get_all_of_it_in_little_memory(self):
        task = self.submit("lines=20000+sleep=1")
        until(lambda: self.status(task)["status"] != "pending", what="task started")
        before = self.resident()
        want = "fake worker: started\n" + "".join(f"fake worker: line {n}\n" for n in range(20000)) + "fake worker: done\n"
        most, done = before, threading.Event()

        def watch():
            nonlocal most
            while not done.wait(0.02):
                most = max(most, self.resident())
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            got = follow_many(self.port, f"/task/log/{task}?follow=true", 200)
        finally:
            done.set()
            watcher.join()
        self.assertEqual([body.decode() == want for body in got], [True] * 200)
        self.assertLess(most - before, 60 << 20)

    def test_a_follower_that_reads_nothing_costs_no_memory_and_holds_up_nobody(self):
        task = self.submit("lines=200000+sleep=2")  # 5 MB, more than the sockets' buffers take
        until(lambda: self.status(task)["status"] != "pending", what="task started")
        lazy = [self.screen(task) for _ in range(FOLLOWERS)]
        before = self.resident()
        self.assertEqual(sum(1 for _ in self.screen(task).lines()), 200002)
        self.assertLess(self.resident() - before, 30 << 20)
        self.assertEqual(sum(1 for _ in lazy[0].lines()), 200002)  # it starts to read: nothing was dropped

    def resident(self):
        with open(f"/proc/{self.service_pid()}/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    def events(self, task, query="", headers=()):
        source = EventSource(self.port, f"/task/{task}/events{query}", headers)
        self.addCleanup(source.close)
        return source

    def test_events_come_as_they_happen_and_end_with_the_task(self):
        task = self.submit("sleep=0.5+events=3")
        source = self.events(task)
        self.assertEqual((source.status, source.headers["content-type"]), (200, "text/event-stream"))
        events = list(source)
        numbers = [number for number, _, _ in events]
        self.assertEqual(numbers, sorted(set(numbers)))
        kinds = [kind for _, kind, _ in events]
        self.assertEqual(kinds[:3], ["state", "state", "stage"])
        self.assertEqual(kinds.count("note"), 3)
        self.assertEqual([json.loads(data)["payload"]["state"] for _, kind, data in events if kind == "state"], ["pending", "running", "done"])
        for number, kind, data in events:
            self.assertEqual((json.loads(data)["seq"], json.loads(data)["type"]), (number, kind))

    def test_events_go_on_after_the_number_that_a_client_has(self):
        task = self.submit("events=50")
        self.await_state(task, "done")
        everything = list(self.events(task))
        for known in (1, 20, len(everything) - 1):
            after = everything[known - 1][0]
            self.assertEqual(list(self.events(task, f"?after={after}")), everything[known:])
            self.assertEqual(list(self.events(task, headers=[f"Last-Event-ID: {after}"])), everything[known:])
            # The header, which a browser sends when it reconnects, goes before the address that it first had.
            self.assertEqual(list(self.events(task, "?after=0", [f"Last-Event-ID: {after}"])), everything[known:])
        self.assertEqual(self.events(task, f"?after={everything[-1][0]}").status, 204)
        self.assertEqual(self.get(f"/task/{task}/events?after=x").status, 422)
        self.assertEqual(self.events(task, headers=["Last-Event-ID: x"]).status, 422)
        self.assertEqual(self.get(f"/task/{uuid.uuid4().hex}/events").status, 404)

    def test_many_followers_get_every_event_once(self):
        task = self.submit("sleep=1+events=2000")
        with concurrent.futures.ThreadPoolExecutor(FOLLOWERS) as pool:
            got = list(pool.map(lambda _: list(self.events(task)), range(FOLLOWERS)))
        for events in got:
            numbers = [number for number, _, _ in events]
            self.assertEqual(numbers, sorted(set(numbers)))
            notes = [json.loads(data)["payload"]["text"] for _, kind, data in events if kind == "note"]
            self.assertEqual(notes, [f"note {n}" for n in range(2000)])

    def test_the_service_stops_while_it_is_followed(self):
        task = self.submit("sleep=60")
        screen, source = self.screen(task), self.events(task)
        self.assertEqual(screen.message(), "fake worker: started")
        stopped = threading.Thread(target=lambda: self.run_program("stop", "--now", "--workspace", self.workspace))
        began = time.monotonic()
        stopped.start()
        with self.assertRaises(Exception):
            for _ in source:
                pass
        stopped.join()
        self.assertLess(time.monotonic() - began, 15)


if __name__ == "__main__":
    unittest.main()
