#!/usr/bin/env python3
"""Running the programs: cancellation, worker endpoints, reload, diagnostics.

Usage: operations_test.py BIN_FOLDER
"""
import http.client
import json
import socket
import time
import unittest
import urllib.parse

import programs_test
from programs_test import LODE, WORKER, Daemon, get_json, run, wait_for


class WorkerTest(programs_test.ProgramsCase):
    def setUp(self):
        super().setUp()
        self.worker = Daemon(self, WORKER, "serve", "--listen", "127.0.0.1:0")
        self.address = self.worker.ready["listen"]

    def health(self):
        return get_json(self.address, "/health")

    def ask(self, prompt="six windmills on a wooden table"):
        body = urllib.parse.urlencode({"prompt": prompt, "seed": 1}).encode()
        host, port = self.address.rsplit(":", 1)
        client = socket.create_connection((host, int(port)), timeout=30)
        self.addCleanup(client.close)
        client.sendall(b"POST /generate/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n"
                       b"content-length: %d\r\n\r\n" % len(body) + body)
        return client

    def test_a_client_that_hangs_up_frees_the_worker_within_a_second(self):
        whole = time.monotonic()
        self.assertIn(b" 200 ", self.ask().recv(64))
        whole = time.monotonic() - whole
        client = self.ask()
        wait_for(lambda: self.health()["running"] == 1)
        began = time.monotonic()
        client.close()
        wait_for(lambda: self.health()["running"] == 0, seconds=min(1.0, 0.8 * whole))
        print(f"generation {whole:.2f} s; freed after {time.monotonic() - began:.2f} s")

    def test_a_waiting_job_whose_client_hangs_up_is_dropped(self):
        first, second, third = self.ask(), self.ask(), self.ask("a red mug")
        wait_for(lambda: self.health()["queued"] == 2)
        second.close()
        wait_for(lambda: self.health()["queued"] <= 1, seconds=1)
        self.assertIn(b" 200 ", first.recv(64))
        self.assertIn(b" 200 ", third.recv(64))
        self.assertEqual(self.worker.stop(), 0)


class MinerTest(programs_test.ProgramsCase):
    def setUp(self):
        super().setUp()
        self.subnet = self.sandbox("--validators", 2)
        self.config = self.dir / "lode.toml"
        self.blacklist = self.dir / "blacklist.toml"
        self.config.write_text("")
        self.blacklist.write_text("[[blacklist]]\nuid = 180\n")
        self.miner = self.mine(self.subnet, "--config", self.config, "--blacklist.file", self.blacklist,
                               "--stagger.seconds", 0)
        self.http = self.miner.ready["http"]
        self.token = self.dir / "journal.db.token"

    def reload(self, *args):
        return run(LODE, "reload", "--http", self.http, "--journal.path", self.dir / "journal.db", *args)

    def rows(self):
        return get_json(self.http, "/api/ledger")["validators"]

    def post(self, target, headers):
        connection = http.client.HTTPConnection(self.http, timeout=5)
        try:
            connection.request("POST", target, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def test_reload_applies_what_it_can_and_names_the_rest(self):
        wait_for(lambda: any(row["state"] != "skipped" for row in self.rows()))
        uid = next(row["uid"] for row in self.rows() if row["state"] != "skipped")
        self.blacklist.write_text(f'[[blacklist]]\nuid = {uid}\nreason = "seen today"\n')
        self.config.write_text("workers = 3\n[neuron]\nmin_stake_to_set_weights = 900\n[log]\nlevel = \"debug\"\n")
        result = self.reload("--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        # --workers 1 was given as a flag, which wins.
        self.assertEqual(json.loads(result.stdout),
                         {"changed": ["log.level", "neuron.min_stake_to_set_weights"], "needs_restart": []})
        wait_for(lambda: any(row["uid"] == uid and "seen today" in row["reason"] for row in self.rows()), 5)
        self.config.write_text("[drain]\nseconds = 5\n[stagger]\nseconds = 3\n[http]\nlisten = \"127.0.0.1:1\"\n"
                               "[artifacts]\npath = \"x\"\n")
        result = self.reload()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("needs a restart: artifacts.path", result.stdout)
        self.assertIn("drain.seconds", result.stdout)
        self.assertIn("needs a restart: artifacts.path", self.miner.text())

    def test_reload_keeps_everything_when_a_setting_is_bad(self):
        before = len(wait_for(self.rows))
        for text, expected in (("[neuron]\nmin_stake = 3\n", "neuron.min_stake"), ("x = [", "line 1"),
                               ('[drain]\nseconds = "soon"\n', "drain.seconds")):
            self.config.write_text(text)
            result = self.reload()
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertIn(expected, result.stderr)
            self.assertIn("keeps its settings", result.stderr)
        self.config.write_text("")
        self.blacklist.write_text("[[blacklist]]\n")
        self.assertEqual(self.reload().returncode, 3)
        self.assertEqual(len(self.rows()), before)
        self.assertEqual(self.miner.stop(), 0)

    def test_control_calls_need_the_token(self):
        self.assertEqual(self.token.stat().st_mode & 0o777, 0o600)
        token = self.token.read_text()
        for target in ("/api/reload", "/api/drain", "/api/nothing"):
            for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer " + "0" * len(token)},
                            {"authorization": token}):
                self.assertEqual(self.post(target, headers), 401)
        self.assertNotIn(token, self.miner.text())
        right = {"authorization": "Bearer " + token}
        self.assertEqual(self.post("/api/nothing", right), 404)
        self.assertEqual(self.post("/api/drain", right), 200)
        self.assertEqual(self.miner.process.wait(60), 0)

    def test_explains_a_validator_while_mining_and_from_the_journal(self):
        wait_for(lambda: self.accepted(self.miner) >= 1)
        row = next(row for row in self.rows() if row["accepted"])
        live = run(LODE, "validators", "--http", self.http, "--explain", row["uid"], "--json")
        trail = json.loads(live.stdout)
        self.assertEqual((trail["uid"], trail["hotkey"]), (row["uid"], row["hotkey"]))
        self.assertIn("pulling", [entry["state"] for entry in trail["trail"]])
        self.assertTrue(all(entry["reason"] and entry["at"] > 1e9 for entry in trail["trail"]))
        text = run(LODE, "validators", "--http", self.http, "--explain", row["hotkey"]).stdout
        self.assertIn("submitting", text)
        self.assertEqual(run(LODE, "validators", "--http", self.http, "--explain", 9999).returncode, 4)
        self.assertEqual(self.miner.stop(), 0)
        journal = ("--journal.path", self.dir / "journal.db")
        offline = run(LODE, "validators", *journal, "--explain", row["hotkey"][:12], "--json")
        self.assertEqual(offline.returncode, 0, offline.stderr)
        trail = json.loads(offline.stdout)
        self.assertEqual(trail["hotkey"], row["hotkey"])
        self.assertTrue(any("accepted" in entry["reason"] for entry in trail["trail"]))
        self.assertEqual(run(LODE, "validators", *journal, "--explain", "5nobody").returncode, 3)

    def test_metrics_agree_with_the_ledger(self):
        wait_for(lambda: self.accepted(self.miner) >= 2)
        connection = http.client.HTTPConnection(self.http, timeout=5)
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        self.assertTrue(reply.getheader("content-type").startswith("text/plain; version=0.0.4"))
        text = reply.read().decode()
        connection.close()
        total = sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                    if line.startswith("lode_validator_accepted_total{"))
        self.assertGreaterEqual(total, 2)
        for name in ("lode_journal_bytes ", 'lode_stage_seconds_bucket{stage="pull_lateness",le="0.0005"} ',
                     "lode_metagraph_age_seconds ", 'lode_workers{state="idle"} '):
            self.assertIn("\n" + name, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
