"""Tokens, roles, limits and the audit log, on the real service."""
import json
import unittest

import harness


class AccessTest(harness.ServiceTest):
    def token(self, name, role="submit", *more):
        made = self.run_program("token", "create", "--name", name, "--role", role, "--workspace", self.workspace, *more)
        self.assertEqual(made.returncode, 0, made.stderr)
        return {"Authorization": "Bearer " + made.stdout.strip()}

    def submit_as(self, headers):
        answer = self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": "rows.npz"}, headers)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["task_id"]

    def audit(self):
        return [json.loads(line) for line in (self.workspace / "serve_log" / "audit.log").read_text().splitlines()]

    def test_an_open_address_without_tokens_is_refused_with_the_command_that_makes_one(self):
        refused = self.start("--host", "0.0.0.0", expect=2)
        self.assertIn("neural_solution token create", refused.stderr)
        self.assertEqual(len(refused.stderr.strip().splitlines()), 1)

    def test_required_tokens_let_in_who_has_one(self):
        ann = self.token("ann")
        self.start("--require_tokens")
        refused = self.get("/tasks")
        self.assertEqual(refused.status, 401)
        self.assertEqual(refused.headers["WWW-Authenticate"], "Bearer")
        self.assertIn("NEURAL_SOLUTION_TOKEN", refused.json["detail"])
        self.assertEqual(self.get("/ping").status, 200)
        self.assertEqual(self.get("/healthz").status, 200)
        self.assertEqual(self.get("/tasks", headers={"Authorization": "Bearer nst_00000000_" + "0" * 64}).status, 401)
        self.assertEqual(self.get("/tasks", headers=ann).status, 200)

    def test_a_submitter_sees_its_own_tasks_a_reader_and_an_admin_all(self):
        ann, ben = self.token("ann"), self.token("ben")
        reader, admin = self.token("grafana", "read"), self.token("root", "admin")
        self.start("--require_tokens")
        hers, his = self.submit_as(ann), self.submit_as(ben)
        seen = {who: {task["id"] for task in self.get("/tasks", headers=headers).json["tasks"]}
                for who, headers in [("ann", ann), ("ben", ben), ("reader", reader), ("admin", admin)]}
        self.assertEqual(seen, {"ann": {hers}, "ben": {his}, "reader": {hers, his}, "admin": {hers, his}})
        for call in ("/task/{}", "/task/log/{}", "/task/{}/trials", "/task/{}/report"):
            self.assertEqual(self.get(call.format(his), headers=ann).status, 404, call)
        self.assertEqual(self.get(f"/task/status/{his}", headers=ann).json["status"], "Please check url.")
        self.assertEqual(self.get(f"/download/{his}", headers=ann).status, 400)
        self.assertEqual(self.request("POST", f"/task/{his}/cancel", headers=ann).status, 404)
        self.assertEqual(self.request("POST", f"/task/{his}/cancel", headers=reader).status, 403)
        self.assertEqual(self.request("POST", "/task/submit/", {"model": "model.onnx", "dataset": "rows.npz"}, reader).status, 403)

    def test_a_revoked_or_expired_token_is_refused_at_once(self):
        ann = self.token("ann")
        self.start("--require_tokens")
        self.assertEqual(self.get("/tasks", headers=ann).status, 200)
        self.assertEqual(self.run_program("token", "revoke", "--name", "ann", "--workspace", self.workspace).returncode, 0)
        self.assertEqual(self.get("/tasks", headers=ann).status, 401)

    def test_who_did_what_stands_in_the_audit_log(self):
        ann = self.token("ann")
        self.start("--require_tokens")
        task = self.submit_as(ann)
        self.get("/tasks", headers={"Authorization": "Bearer wrong"})
        entries = [(e["caller"], e["action"], e["object"], e["outcome"]) for e in self.audit()]
        self.assertIn(("", "token create", "ann", "ok"), entries)
        self.assertIn(("ann", "submit", task, "ok"), entries)
        self.assertIn(("", "authenticate", "", "BAD_TOKEN"), entries)
        self.assertTrue(all(e["address"] in ("", "127.0.0.1") for e in self.audit()))
        self.assertNotIn(ann["Authorization"][7:], (self.workspace / "serve_log" / "audit.log").read_text())

    def test_more_than_the_rate_is_429_with_a_time_to_wait(self):
        ann = self.token("ann")
        self.start("--require_tokens", "--rate_limit", "2")
        answers = [self.get("/tasks", headers=ann) for _ in range(20)]
        limited = [a for a in answers if a.status == 429]
        self.assertTrue(limited)
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(limited[0].headers["Retry-After"], "1")

    def test_the_command_line_says_what_is_wrong(self):
        for args, words in [(("create",), "--name"), (("create", "--name", "a b"), "letters"), (("revoke", "--name", "x"), "no workspace"),
                            (("make",), "create, list or revoke")]:
            told = self.run_program("token", *args, "--workspace", self.folder / f"new-{args[0]}")
            self.assertNotEqual(told.returncode, 0)
            self.assertIn(words, told.stderr)
        self.token("ann", "submit", "--days", "30")
        listed = self.run_program("token", "list", "--workspace", self.workspace)
        self.assertIn("ann", listed.stdout)
        self.assertNotIn("nst_", listed.stdout)
        self.assertEqual((self.workspace / "db").stat().st_mode & 0o777, 0o700)
        twice = self.run_program("token", "create", "--name", "ann", "--workspace", self.workspace)
        self.assertEqual(twice.returncode, 2)
        self.assertIn("already", twice.stderr)


if __name__ == "__main__":
    unittest.main()
