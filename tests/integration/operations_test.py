#!/usr/bin/env python3
"""Running the programs: cancellation, worker endpoints, reload, diagnostics.

Usage: operations_test.py BIN_FOLDER
"""
import fcntl
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import struct
import termios
import threading
import time
import unittest
import urllib.parse
import urllib.request

import programs_test
from programs_test import LODE, WORKER, Daemon, Relay, get_json, run, wait_for


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, test, *args, term="xterm", columns=100, lines=30):
        # A terminal that outlives the program, so that what it left behind can be looked at.
        self.master, self.slave = pty.openpty()
        test.addCleanup(os.close, self.master)
        test.addCleanup(os.close, self.slave)
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.pid = os.fork()
        if self.pid == 0:
            self.log_in()
            os.environ.update(TERM=term, LC_ALL="C.UTF-8")
            os.execv(args[0], [str(arg) for arg in args])
        test.addCleanup(self.kill)

    def log_in(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(self.slave, fd)

    def kill(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def resize(self, columns, lines):
        """Also has the program draw everything anew."""
        self.output = b""
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys):
        self.output = b""
        os.write(self.master, keys)

    def text(self, seconds=0.05):
        """What was drawn since the last key or change of size, without escape sequences."""
        while select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536)
        return re.sub(rb"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9]|[=>])", b" ", self.output).decode(errors="replace")

    def wait_for(self, pattern, seconds=20):
        """Has everything drawn until it is there: curses sends what changes, which may be half a word."""
        def is_drawn():
            if re.search(pattern, self.text(0.3)):
                return True
            self.resize(self.columns ^ 1, self.lines)
        return wait_for(is_drawn, seconds)

    def exit_code(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self.text()  # a full terminal would hold the program up
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("still running")


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


class WorkerSettingsTest(programs_test.ProgramsCase):
    def config(self, text):
        file = self.dir / "lode.toml"
        file.write_text(text)
        return file

    def serve(self, *args):
        worker = Daemon(self, WORKER, "serve", "--listen", "127.0.0.1:0", *args)
        return worker, worker.ready["listen"]

    def post(self, address, prompt, seed=1):
        body = urllib.parse.urlencode({"prompt": prompt, "seed": seed}).encode()
        with urllib.request.urlopen(f"http://{address}/generate/", body, timeout=60) as reply:
            return reply.read(), json.loads(reply.headers["x-lode-stages"])

    def test_a_chain_named_in_the_miners_file_serves_and_other_keys_are_passed_over(self):
        file = self.config('netuid = 17\n[worker]\nbackend = "chain"\nprocesses = 1\ncutter = "grabcut"\n')
        _, address = self.serve("--config", file)
        health = get_json(address, "/health")
        self.assertEqual((health["backend"], health["stages"]),
                         ("chain", "sketch, grabcut, sketch; critic: likeness"))
        splat, stages = self.post(address, "a red mug")
        self.assertTrue(splat.startswith(b"ply"))
        self.assertLessEqual({"paint", "cutout", "lift"}, set(stages))

    def test_a_flag_wins_over_the_environment_and_that_over_the_file(self):
        file = self.config('[worker]\nbackend = "nothing"\ncutter = "nothing"\n')
        os.environ["LODE_WORKER_BACKEND"] = "chain"
        self.addCleanup(os.environ.pop, "LODE_WORKER_BACKEND")
        _, address = self.serve("--config", file, "--cutter", "grabcut")
        self.assertEqual(get_json(address, "/health")["backend"], "chain")

    def test_bad_settings_name_the_place_and_what_would_do(self):
        for text, said in (('[worker]\npaintr = "sketch"', "line 2: unknown key worker.paintr; the nearest known one is "
                                                           "worker.painter"),
                           ("[worker]\njobs = 0", "worker.jobs"),
                           ('[worker]\nbackend = "chain"\npainter = "crayon"', "painter 'crayon': known are: sketch"),
                           ('[worker]\nbackend = "chain"\npainter = "flux"', "painter")):
            done = subprocess.run([WORKER, "serve", "--listen", "127.0.0.1:0", "--config", self.config(text)],
                                  capture_output=True, text=True, timeout=30)
            self.assertEqual((done.returncode, said in done.stderr), (3, True), done.stderr)

    def test_two_jobs_run_at_the_same_time_and_give_the_bytes_of_one(self):
        _, alone = self.serve("--backend", "chain")
        _, both = self.serve("--backend", "chain", "--jobs", "2")
        prompts = ["a red mug", "six windmills on a wooden table"]
        answers, most = {}, 0
        threads = [threading.Thread(target=lambda p=p: answers.__setitem__(p, self.post(both, p)[0])) for p in prompts]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            most = max(most, get_json(both, "/health")["running"])
            time.sleep(0.01)
        self.assertEqual(most, 2)
        for prompt in prompts:
            self.assertEqual(answers[prompt], self.post(alone, prompt)[0], prompt)

    def test_a_miner_hands_its_file_and_flags_on_to_its_workers(self):
        seen = self.dir / "arguments"
        stand_in = self.dir / "worker"
        stand_in.write_text(f'#!/bin/sh\necho "$@" > {seen}.part\nmv {seen}.part {seen}\nexec {WORKER} "$@"\n')
        stand_in.chmod(0o755)
        file = self.config('[worker]\ncritic = "likeness"\nlifter_budget = "20s"\n')
        sandbox = self.sandbox("--validators", 1)
        miner = self.mine(sandbox, "--config", file, "--worker.binary", stand_in, "--worker.most_paintings", 2)
        wait_for(seen.exists)
        arguments = seen.read_text()
        self.assertIn(f"--config {file} --worker.most_paintings=2", arguments)
        wait_for(lambda: self.accepted(miner) >= 1, seconds=60)
        shown = json.loads(subprocess.run([LODE, "config", "--config", file, "--json"], capture_output=True, text=True,
                                          check=True).stdout)
        self.assertEqual(shown["worker.lifter_budget"], {"value": "20s", "origin": f"{file} line 3"})


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
        by_uid = run(LODE, "validators", *journal, "--explain", row["uid"], "--json")
        self.assertEqual(json.loads(by_uid.stdout)["hotkey"], row["hotkey"])
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

    def test_events_can_be_followed_without_gaps(self):
        wait_for(lambda: self.accepted(self.miner) >= 1)
        first = get_json(self.http, "/api/events?since=0")
        self.assertEqual([event["seq"] for event in first["events"]], list(range(first["next"])))
        self.assertIn("accepted", [event["kind"] for event in first["events"]])
        uids = {row["hotkey"]: row["uid"] for row in self.rows()}
        self.assertTrue(all(event["uid"] == uids[event["hotkey"]] for event in first["events"]))
        more = wait_for(lambda: get_json(self.http, f"/api/events?since={first['next']}")["events"])
        self.assertEqual(more[0]["seq"], first["next"])
        self.assertLessEqual(len(get_json(self.http, "/api/events")["events"]), 100)
        for query in ("since=x", "since=", "since=-1", "until=3"):
            self.assertIn("detail", get_json(self.http, "/api/events?" + query))

    def test_top_prints_one_frame(self):
        wait_for(lambda: self.accepted(self.miner) >= 1)
        frame = run(LODE, "top", "--http", self.http, "--once")
        self.assertEqual(frame.returncode, 0, frame.stderr)
        self.assertNotIn("\x1b", frame.stdout)
        for row in self.rows():
            self.assertRegex(frame.stdout, rf"(?m)^ *>?{row['uid']} +[a-z_]+ ")
        self.assertRegex(frame.stdout, r"accepted in 4 h: [1-9]\d* of 96\b")
        self.assertIn("workers 1 of 1", frame.stdout)
        self.assertRegex(frame.stdout, r"\d\d:\d\d:\d\d +\d+ accepted ")
        narrow = run(LODE, "top", "--http", self.http, "--once", "--width", 40, "--height", 8).stdout.splitlines()
        self.assertEqual(len(narrow), 8)
        self.assertLessEqual(max(map(len, narrow)), 40)
        self.assertIn("needs 40x8", run(LODE, "top", "--http", self.http, "--once", "--width", 39).stdout)

    def test_top_without_a_terminal_or_a_miner_says_so(self):
        result = run(LODE, "top", "--http", self.http)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--once", result.stderr)
        self.assertEqual(run(LODE, "top", "--width", 50).returncode, 2)
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        result = run(LODE, "top", "--http", f"127.0.0.1:{port}", "--once")
        self.assertEqual(result.returncode, 4)
        self.assertIn(f"127.0.0.1:{port}", result.stderr)
        unknown = Terminal(self, LODE, "top", "--http", self.http, term="no-such-terminal")
        self.assertEqual(unknown.exit_code(), 2)

    def test_top_draws_on_a_terminal_and_gives_it_back(self):
        wait_for(lambda: self.accepted(self.miner) >= 1)
        served = next(row for row in self.rows() if row["accepted"])
        top = Terminal(self, LODE, "top", "--http", self.http)
        top.wait_for(r"accepted in 4 h: [1-9]")
        top.wait_for(rf"\b{served['uid']}\b")
        top.press(b"s")
        top.wait_for("sort: uid")
        top.press(b"\x1b[B\r")  # down, Enter
        top.resize(90, 25)
        top.wait_for(r"decisions, newest first")
        top.wait_for(r"\d\d:\d\d:\d\d")
        top.press(b"\x1b")
        top.resize(100, 30)
        top.wait_for("newest events")
        top.resize(30, 5)
        top.wait_for("needs 40x8")
        top.resize(100, 30)
        top.wait_for("newest events")
        top.press(b"q")
        self.assertEqual(top.exit_code(), 0)
        self.assertIn(b"\x1b[?1049l", top.output)  # the screen from before
        self.assertEqual(termios.tcgetattr(top.slave), top.before)

    def test_top_waits_for_a_miner_that_goes_away(self):
        host, port = self.http.rsplit(":", 1)
        relay = Relay(self, (host, int(port)))
        top = Terminal(self, LODE, "top", "--http", f"127.0.0.1:{relay.port}")
        top.wait_for("newest events")
        relay.stop()
        top.wait_for(f"no answer from 127.0.0.1:{relay.port}, trying again")
        relay.start()

        def is_well():
            top.resize(top.columns ^ 1, 30)
            text = top.text(0.3)
            return "newest events" in text and "no answer" not in text
        wait_for(is_well)
        top.press(b"\x03")
        self.assertEqual(top.exit_code(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
