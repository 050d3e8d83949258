#!/usr/bin/env python3
"""The two programs as a user runs them: exit codes, JSON, signals, crashes.

Usage: programs_test.py BIN_FOLDER
"""
import csv
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

BIN = pathlib.Path(sys.argv.pop(1)).resolve()
LODE, WORKER = BIN / "lode", BIN / "lode-worker"


def run(*args, timeout=60):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=timeout)


def get_json(address, target):
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", target)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("not reached in time")


class Daemon:
    """A program whose first stdout line is JSON; killed at the end of the test."""

    def __init__(self, test, *args):
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([str(a) for a in args], stdout=subprocess.PIPE, stderr=self.log, text=True)
        test.addCleanup(self.kill)
        self.ready = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def text(self):
        self.log.seek(0)
        return self.log.read()


class Relay:
    """A TCP port in front of another one, which can be taken away and come back."""

    def __init__(self, test, target):
        self.target, self.port = target, 0
        self.start()
        test.addCleanup(self.stop)

    def start(self):
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        try:
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
                self.open += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()
        except OSError:
            pass  # stopped

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            self.end(end)

    @staticmethod
    def end(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)  # wakes whoever waits on it
        except OSError:
            pass

    def stop(self):
        for connection in (self.listener, *self.open):
            self.end(connection)
            connection.close()


class ProgramsCase(unittest.TestCase):
    """A folder, a sandbox and a miner for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lode_programs_")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def sandbox(self, *args):
        return Daemon(self, LODE, "sandbox", "--time-scale", 100, "--seed", 4, "--dir", self.dir, *args)

    def mine(self, sandbox, *args):
        chain = () if "--metagraph.file" in args else ("--subtensor.network", sandbox.ready["chain"] + "/v1/operators-key")
        return Daemon(self, LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], *chain,
                      "--journal.path", self.dir / "journal.db", "--http.listen", "127.0.0.1:0", "--workers", 1, *args)

    def order(self, sandbox, **command):
        """A command to the sandbox's chain."""
        request = urllib.request.Request(f"http://{sandbox.ready['control']}/sandbox/chain",
                                         json.dumps(command).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def chain_view(self, miner):
        return get_json(miner.ready["http"], "/api/ledger")["chain"]

    def accepted(self, miner):
        return get_json(miner.ready["http"], "/api/ledger")["totals"]["accepted"]


class Programs(ProgramsCase):
    def test_unknown_commands_and_flags_are_usage_errors(self):
        for args in ([], ["fly"], ["mine", "--netuid", "x"], ["fit", "x"], ["generate", "-o", "x.ply"], ["render", "--nonsense"]):
            self.assertEqual(run(LODE, *args).returncode, 2, args)
        self.assertEqual(run(WORKER, "score", "x").returncode, 2)
        self.assertEqual(run(LODE, "--help").returncode, 0)

    def test_the_daemon_does_not_link_libtorch(self):
        self.assertNotIn("torch", run("ldd", LODE).stdout)

    def test_same_seed_gives_the_same_file_and_a_score(self):
        outs = []
        for name in ("a.ply", "b.ply"):
            result = run(LODE, "generate", "--prompt", "a blue chair", "--seed", 3, "-o", self.dir / name, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            outs.append((self.dir / name).read_bytes())
        self.assertEqual(outs[0], outs[1])
        report = json.loads(result.stdout)
        self.assertGreater(report["self_score"], 0.6)
        unknown = run(LODE, "generate", "--prompt", "a brass astrolabe", "-o", self.dir / "c.spz", "--json")
        self.assertLess(json.loads(unknown.stdout)["self_score"], 0.6)

    def test_fit_recovers_a_rendered_splat_and_reports_it(self):
        asset, views, out = self.dir / "a.ply", self.dir / "views", self.dir / "fit.ply"
        self.assertEqual(run(LODE, "generate", "--prompt", "a red mug", "-o", asset).returncode, 0)
        result = run(LODE, "render", asset, "-o", views, "--dataset", 12, "--size", 96, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["views"], 12)
        result = run(LODE, "fit", views, "-o", out, "--iterations", 200, "--gaussians", 3000, "--holdout", 6,
                     "--preview", self.dir / "p.png", "--json", timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout)
        self.assertGreater(report["psnr_db"], 22)
        self.assertEqual((report["views"], report["unseen_views"]), (10, 2))
        self.assertGreater(report["seconds"], 0)
        self.assertEqual(report["gaussians"], json.loads(run(LODE, "info", out, "--json").stdout)["gaussians"])
        self.assertIn("200/200", result.stderr)
        self.assertTrue((self.dir / "p.png").read_bytes().startswith(b"\x89PNG"))

    def test_an_interrupted_fit_writes_what_it_has(self):
        asset, views, out = self.dir / "a.ply", self.dir / "views", self.dir / "fit.spz"
        run(LODE, "generate", "--prompt", "a red mug", "-o", asset)
        run(LODE, "render", asset, "-o", views, "--dataset", 6, "--size", 64)
        preview = self.dir / "p.png"
        process = subprocess.Popen([LODE, "fit", views, "-o", out, "--iterations", "1000000", "--preview", preview,
                                    "--preview-every", "5", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        wait_for(preview.exists)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, stderr)
        self.assertLess(json.loads(stdout)["iterations"], 1_000_000)
        self.assertEqual(run(LODE, "info", out).returncode, 0)

    def test_fit_names_what_is_wrong_with_its_folder(self):
        out = self.dir / "fit.ply"
        cameras = self.dir / "cameras.json"
        for text, expected in ((None, "cameras.json"), ("[", "cameras.json"), ("[{}]", "camera 0: img_name"),
                               ('[{"file": "a", "azimuth": 0}]', "camera 0: elevation"),
                               ('[{"file": "a", "azimuth": 0, "elevation": 0}]', "no such picture")):
            if text is not None:
                cameras.write_text(text)
            result = run(LODE, "fit", self.dir, "-o", out)
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertIn(expected, result.stderr)
        result = run(LODE, "fit", self.dir, "-o", self.dir / "fit.obj")
        self.assertEqual(result.returncode, 3)
        self.assertIn(".ply, .spz or .splat", result.stderr)

    def test_converts_to_every_form_and_says_what_it_is(self):
        cloud = pathlib.Path(__file__).parents[1] / "golden" / "spz" / "cloud.ply"
        for form in ("zstd", "gzip", "v3", "v4"):
            out = self.dir / f"{form}.spz"
            result = run(LODE, "convert", cloud, out, "--spz", form)
            self.assertEqual(result.returncode, 0, result.stderr)
            info = json.loads(run(LODE, "info", out, "--json").stdout)
            self.assertEqual((info["gaussians"], info["sh_degree"], info["format"]), (24, 1, "spz"))
            self.assertEqual(info["container"], "gzip" if form == "v3" else form)
            self.assertEqual(sum(info["histograms"]["opacity"]["counts"]), 24)
        for name in ("x.splat", "x.compressed.ply"):
            self.assertEqual(run(LODE, "convert", cloud, self.dir / name).returncode, 0)
        self.assertEqual((self.dir / "x.splat").stat().st_size, 24 * 32)
        self.assertEqual(run(LODE, "convert", cloud, self.dir / "x.obj").returncode, 3)
        text = run(LODE, "info", cloud).stdout
        for title in ("opacity", "log scale", "colour", "\u2588"):
            self.assertIn(title, text)

    def test_invalid_input_exits_3_and_names_it(self):
        bad = self.dir / "bad.ply"
        bad.write_bytes(b"ply\nformat ascii 1.0\nend_header\n")
        for args in (["check", bad], ["info", bad], ["render", bad, "-o", self.dir / "x.png"],
                     ["generate", "--image", bad, "-o", self.dir / "x.ply"]):
            result = run(LODE, *args)
            self.assertEqual(result.returncode, 3, args)
            self.assertTrue(result.stderr.strip(), args)

    def test_renders_views_sheets_and_turntables(self):
        splat = self.dir / "chair.ply"
        self.assertEqual(run(LODE, "generate", "--prompt", "a blue chair", "-o", splat).returncode, 0)

        def render(out, *args):
            result = run(LODE, "render", splat, "-o", self.dir / out, "--size", 48, "--json", *args)
            self.assertEqual(result.returncode, 0, result.stderr)
            report = json.loads(result.stdout)
            self.assertGreater(report["milliseconds"], 0)
            return report, (self.dir / out).read_bytes()

        png = b"\x89PNG"
        for args, side in (([], 48), (["--sh"], 48), (["--sheet", 16], 192), (["--duel"], 1041)):
            report, picture = render("view.png", *args)
            self.assertEqual((report["width"], report["height"]), (side, side))
            self.assertTrue(picture.startswith(png))
        report, _ = render("view.png", "--depth", self.dir / "depth.png", "--alpha", self.dir / "alpha.png")
        self.assertLess(report["depth"]["nearest"], report["depth"]["farthest"])
        for layer in ("depth.png", "alpha.png"):
            self.assertTrue((self.dir / layer).read_bytes().startswith(png))

        for out, magic in (("turn.gif", b"GIF89a"), ("turn.webm", b"\x1a\x45\xdf\xa3")):
            report, first = render(out, "--frames", 6, "--fps", 12)
            self.assertEqual((report["frames"], report["fps"]), (6, 12))
            self.assertTrue(first.startswith(magic))
            self.assertEqual(first, render(out, "--frames", 6, "--fps", 12, "--turntable")[1])

        for args in (["x.png", "--turntable"], ["x.gif", "--sheet", 16], ["x.webm", "--depth", "y.png"],
                     ["x.gif", "--fps", 100]):
            self.assertEqual(run(LODE, "render", splat, "-o", *args).returncode, 2, args)

    def test_compares_pictures_and_shows_where_they_differ(self):
        splat = self.dir / "chair.ply"
        self.assertEqual(run(LODE, "generate", "--prompt", "a blue chair", "-o", splat).returncode, 0)
        a, b = self.dir / "a.png", self.dir / "b.png"
        for out, azimuth in ((a, 20), (b, 21)):
            self.assertEqual(run(LODE, "render", splat, "-o", out, "--size", 64, "--azimuth", azimuth).returncode, 0)
        diff = self.dir / "diff.png"
        result = json.loads(run(LODE, "compare", a, b, "--json", "--diff", diff).stdout)
        self.assertGreater(result["max_abs"], 0)
        self.assertLess(result["ssim"], 1)
        self.assertTrue(diff.read_bytes().startswith(b"\x89PNG"))
        self.assertEqual(json.loads(run(LODE, "compare", a, a, "--json").stdout)["psnr_db"], 999)
        self.assertIn("equal", run(LODE, "compare", a, a).stdout)

    def test_a_world_readable_hotkey_is_refused_and_never_printed(self):
        secret = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
        key = self.dir / "key.json"
        key.write_text(json.dumps({"secretSeed": "0x" + secret}))
        key.chmod(0o644)
        result = run(LODE, "wallet", "show", "--file", key)
        self.assertEqual(result.returncode, 3)
        self.assertIn("chmod 600", result.stderr)
        self.assertNotIn(secret, result.stderr + result.stdout)

    def test_mines_drains_on_sigterm_and_shows_its_ledger(self):
        sandbox = self.sandbox("--validators", 2)
        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 2)
        table = run(LODE, "validators", "--http", miner.ready["http"])
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("blacklisted by uid 180", table.stdout)
        self.assertIn("below the minimum", table.stdout)
        self.assertIn("our uid: 211", table.stdout)
        self.assertNotIn("operators-key", table.stdout)
        self.assertEqual(miner.stop(), 0)
        self.assertEqual(sandbox.stop(), 0)
        offline = run(LODE, "validators", "--journal.path", self.dir / "journal.db", "--json")
        rows = json.loads(offline.stdout)["validators"]
        self.assertGreaterEqual(sum(row["accepted"] for row in rows), 2)
        secret = json.loads(pathlib.Path(sandbox.ready["miner_hotkey_file"]).read_text())["secretSeed"]
        self.assertNotIn(secret.removeprefix("0x"), miner.text())
        self.assertNotIn("operators-key", miner.text())

    def test_reads_the_journal_beside_the_miner_and_changes_nothing(self):
        path = self.dir / "journal.db"

        def ask(command, *args, expect=0):
            result = run(LODE, command, *args, "--journal.path", path)
            self.assertEqual(result.returncode, expect, result.stderr)
            return result.stderr if expect else result.stdout

        sandbox = self.sandbox("--validators", 2)
        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 3)
        self.assertIn("accepted", ask("history", "--last", "1h"))
        self.assertIn("total", ask("stats"))
        second = run(LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], "--metagraph.file",
                     sandbox.ready["metagraph_file"], "--journal.path", path, "--http.listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 3)
        self.assertIn(f"process {miner.process.pid} is mining with this journal", second.stderr)
        self.assertEqual(miner.stop(), 0)

        def state():
            return {file: file.read_bytes() for file in self.dir.rglob("journal.db*") if file.is_file()}

        before = state()
        tasks = json.loads(ask("history", "--json"))["tasks"]
        accepted = [task for task in tasks if task["outcome"] == "accepted"]
        self.assertGreaterEqual(len(accepted), 3)
        for task in accepted:
            self.assertGreater(task["validator_score"], 0.6)
            self.assertGreater(task["seconds"], 0)
            self.assertGreaterEqual(task["attempts"], 1)
        uid = sandbox.ready["validators"][0]["uid"]
        ours = json.loads(ask("history", "--json", "--uid", uid))["tasks"]
        self.assertEqual([task for task in tasks if task["uid"] == uid], ours)
        self.assertEqual(len(json.loads(ask("history", "--json", "--limit", 2))["tasks"]), 2)

        trail = json.loads(ask("history", "--json", "--task", accepted[0]["task"][:20]))
        kinds = [event["kind"] for event in trail["events"]]
        self.assertEqual(kinds[0], "assigned")
        self.assertEqual(kinds[-1], "accepted")
        self.assertEqual(len(trail["candidates"]), accepted[0]["attempts"])

        calibration = json.loads(ask("stats", "--calibration", "--json", "--svg", self.dir / "calibration.svg"))
        self.assertGreaterEqual(calibration["total"]["pairs"], len(accepted))
        self.assertEqual(sum(row["pairs"] for row in calibration["validators"]), calibration["total"]["pairs"])
        self.assertIn("</svg>", (self.dir / "calibration.svg").read_text())
        self.assertIn("margin", ask("stats", "--calibration", "--last", "1h"))
        self.assertIn(".svg", ask("stats", "--calibration", "--svg", "x.png", expect=2))
        stats = json.loads(ask("stats", "--json"))
        self.assertEqual(stats["total"]["accepted"], len(accepted))
        self.assertEqual(len(stats["validators"]), 2)
        for row in stats["validators"]:
            self.assertGreater(row["rating"], 0)
            self.assertGreater(row["bound"], 0)
            self.assertLess(abs(row["score_bias"]), 0.5)

        rows = list(csv.DictReader(ask("export").splitlines()))
        self.assertEqual([row["task"] for row in rows], [task["task"] for task in tasks])
        lines = [json.loads(line) for line in ask("export", "--events", "--format", "jsonl").splitlines()]
        self.assertEqual(sum(line["kind"] == "accepted" for line in lines), len(accepted))
        ask("export", "-o", self.dir / "tasks.csv")
        self.assertEqual(len(list(csv.DictReader((self.dir / "tasks.csv").read_text().splitlines()))), len(tasks))

        replay = json.loads(ask("replay", accepted[0]["task"], "--json", "-o", self.dir / "again.spz"))
        self.assertTrue(replay["same"])
        self.assertEqual(run(LODE, "check", self.dir / "again.spz").returncode, 0)
        worker = Daemon(self, WORKER, "serve", "--listen", "127.0.0.1:0")
        self.assertIn("same true", ask("replay", accepted[0]["task"], "--worker", "http://" + worker.ready["listen"]))
        self.assertIn("not in the journal", ask("replay", "no-such-task", expect=3))
        self.assertIn("attempt 99", ask("replay", accepted[0]["task"], "--attempt", 99, expect=3))
        self.assertIn("4h", ask("history", "--last", "four", expect=3))
        self.assertEqual(state(), before)

    def test_a_journal_that_is_none_is_refused_and_a_damaged_one_replaced(self):
        path = self.dir / "journal.db"
        sandbox = self.sandbox("--validators", 1)
        path.write_text("my diary\n" * 1000)
        refused = run(LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], "--metagraph.file",
                      sandbox.ready["metagraph_file"], "--journal.path", path, "--http.listen", "127.0.0.1:0")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("not a Lode journal", refused.stderr)
        self.assertEqual(path.read_text(), "my diary\n" * 1000)
        path.unlink()

        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 1)
        self.assertEqual(miner.stop(), 0)
        body = bytearray(path.read_bytes())
        body[:512] = bytes(512)
        path.write_bytes(body)
        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 1)
        self.assertEqual(miner.stop(), 0)
        self.assertIn("the journal was damaged and is now", miner.text())
        aside = list(self.dir.glob("journal.db.damaged-*Z"))
        self.assertEqual([file.read_bytes() for file in aside], [bytes(body)])

    def test_mines_from_a_metagraph_file_without_a_chain(self):
        sandbox = self.sandbox("--validators", 1)
        miner = self.mine(sandbox, "--metagraph.file", sandbox.ready["metagraph_file"])
        wait_for(lambda: self.accepted(miner) >= 1)
        self.assertEqual(self.chain_view(miner)["source"], sandbox.ready["metagraph_file"])
        self.assertEqual(self.chain_view(miner)["uid"], 211)
        self.assertEqual(miner.stop(), 0)

    def test_a_subnet_that_does_not_exist_is_refused_by_name(self):
        sandbox = self.sandbox("--validators", 1)
        result = run(LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], "--subtensor.chain_endpoint",
                     sandbox.ready["chain"], "--netuid", 99, "--journal.path", self.dir / "j.db", "--http.listen",
                     "127.0.0.1:0", "--workers", 1)
        self.assertEqual(result.returncode, 3)
        self.assertIn("netuid 99 does not exist", result.stderr)

    def test_an_address_that_is_none_is_refused_by_name(self):
        sandbox = self.sandbox("--validators", 1)
        result = run(LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], "--subtensor.network", "finey",
                     "--journal.path", self.dir / "j.db")
        self.assertEqual(result.returncode, 3)
        self.assertIn("'finey'", result.stderr)

    def test_starts_before_its_chain_and_outlives_it(self):
        sandbox = self.sandbox("--validators", 1)
        miner = self.mine(sandbox, "--subtensor.chain_endpoint", "ws://127.0.0.1:1", sandbox.ready["chain"],
                          "--neuron.sync_interval", 1)
        wait_for(lambda: self.accepted(miner) >= 1)
        self.order(sandbox, do="fault", kind="truncate", count=1000000)
        wait_for(lambda: "state_call" in (view := self.chain_view(miner))["error"] or "_get_" in view["error"])
        before = self.accepted(miner)
        wait_for(lambda: self.accepted(miner) > before)
        self.assertIn("going on with the one of block", miner.text())
        self.order(sandbox, do="fault", kind="none")
        wait_for(lambda: self.chain_view(miner)["error"] == "", 30)
        self.assertEqual(miner.stop(), 0)

    def test_starts_from_the_metagraph_of_an_earlier_run_while_its_chain_is_away(self):
        sandbox = self.sandbox("--validators", 2)
        relay = Relay(self, ("127.0.0.1", int(sandbox.ready["chain"].rsplit(":", 1)[1])))
        network = ("--subtensor.network", f"ws://127.0.0.1:{relay.port}")
        kept = self.dir / f"metagraph-ws___127.0.0.1_{relay.port}-17.json"

        def mine():
            return Daemon(self, LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], *network,
                          "--journal.path", self.dir / "journal.db", "--http.listen", "127.0.0.1:0", "--workers", 1,
                          "--neuron.sync_interval", 1)

        miner = mine()
        wait_for(lambda: self.accepted(miner) >= 1)
        self.assertFalse(self.chain_view(miner)["from_earlier_run"])
        self.assertEqual(miner.stop(), 0)
        relay.stop()
        written = json.loads(kept.read_text())
        self.assertEqual((written["netuid"], written["endpoint"]), (17, network[1]))

        miner = mine()
        wait_for(lambda: self.chain_view(miner)["from_earlier_run"])
        view = self.chain_view(miner)
        self.assertEqual((view["block"], view["uid"], view["connected"]), (written["block"], 211, False))
        self.assertGreaterEqual(view["age_seconds"], 5)
        before = self.accepted(miner)
        wait_for(lambda: self.accepted(miner) > before)
        self.assertRegex(miner.text(), rf"mining from the metagraph of block {written['block']}, read from .* \d+ s ago")
        self.assertIn("kept from an earlier run", run(LODE, "validators", "--http", miner.ready["http"]).stdout)
        relay.start()
        wait_for(lambda: not self.chain_view(miner)["from_earlier_run"])
        self.assertGreater(self.chain_view(miner)["block"], written["block"])
        self.assertEqual(miner.stop(), 0)
        relay.stop()

        kept.write_text(kept.read_text()[:300])
        miner = mine()
        wait_for(lambda: "no metagraph of an earlier run can stand in: " in miner.text())
        self.assertIn(str(kept), miner.text())
        self.assertEqual(get_json(miner.ready["http"], "/api/ledger")["validators"], [])
        self.assertEqual(miner.stop(), 0)

    def test_private_axons_of_a_public_network_are_asked_only_when_that_is_allowed(self):
        sandbox = self.sandbox("--validators", 1)
        uid = sandbox.ready["validators"][0]["uid"]
        tunnel = ("--subtensor.network", "finney", "--subtensor.chain_endpoint", sandbox.ready["chain"])

        def mine(*args):
            return Daemon(self, LODE, "mine", "--wallet.file", sandbox.ready["miner_hotkey_file"], "--journal.path",
                          self.dir / "journal.db", "--http.listen", "127.0.0.1:0", "--workers", 1, *args)

        def row(miner):
            rows = get_json(miner.ready["http"], "/api/ledger")["validators"]
            return next((row for row in rows if row["uid"] == uid), None)

        for args in (tunnel, (*tunnel[2:], "--axon.allow_private", "no")):
            miner = mine(*args)
            wait_for(lambda: row(miner))
            self.assertIn("address 127.0.0.1 is private", row(miner)["reason"])
            self.assertEqual(row(miner)["pulled"], 0)
            self.assertEqual(miner.stop(), 0)
        for args in (tunnel[2:], (*tunnel, "--axon.allow_private", "yes")):
            miner = mine(*args)
            before = self.accepted(miner)
            wait_for(lambda: self.accepted(miner) > before)
            self.assertIn("axons on private addresses are asked too", miner.text())
            self.assertEqual(miner.stop(), 0)

    def test_advises_when_its_hotkey_is_not_registered_and_notices_when_it_is(self):
        sandbox = self.sandbox("--validators", 1)
        hotkey = run(LODE, "wallet", "show", "--file", sandbox.ready["miner_hotkey_file"]).stdout.split()
        hotkey = next(word for word in hotkey if word.startswith("5"))
        self.order(sandbox, do="deregister", hotkey=hotkey)
        miner = self.mine(sandbox, "--neuron.sync_interval", 1)
        wait_for(lambda: "btcli subnet register --netuid 17" in self.chain_view(miner)["advice"])
        uid = self.order(sandbox, do="register", hotkey=hotkey)["uid"]
        wait_for(lambda: self.chain_view(miner)["uid"] == uid)
        self.assertEqual(self.chain_view(miner)["advice"], "")
        self.assertEqual(miner.stop(), 0)

    def test_follows_what_changes_on_the_chain(self):
        sandbox = self.sandbox("--validators", 2)
        first, second = sandbox.ready["validators"]
        miner = self.mine(sandbox, "--neuron.sync_interval", 1)

        def reason(validator):
            return next(row["reason"] for row in get_json(miner.ready["http"], "/api/ledger")["validators"]
                        if row["uid"] == validator["uid"])

        wait_for(lambda: self.accepted(miner) >= 1)
        self.order(sandbox, do="neuron", hotkey=first["hotkey"], stake=12)
        self.order(sandbox, do="neuron", hotkey=second["hotkey"], port=0)
        wait_for(lambda: "stake 12 is below" in reason(first) and "port is 0" in reason(second))
        self.order(sandbox, do="neuron", hotkey=second["hotkey"], ip="0.0.0.0")
        wait_for(lambda: "address is 0.0.0.0" in reason(second))
        self.order(sandbox, do="deregister", hotkey=first["hotkey"])
        wait_for(lambda: reason(first) == "left the metagraph")
        self.assertEqual(miner.stop(), 0)
        for line in ("went from 1000 to 12, below the minimum", "moved its axon from", "left the subnet"):
            self.assertIn(line, miner.text())

    def test_a_killed_miner_carries_on_without_violating_a_cooldown(self):
        sandbox = self.sandbox("--validators", 3)
        for round_ in range(3):
            miner = self.mine(sandbox)
            wait_for(lambda: self.accepted(miner) >= round_ + 1)
            miner.kill()
        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 6)
        self.assertEqual(miner.stop(), 0)
        books = get_json(sandbox.ready["control"], "/sandbox/status")
        for validator in books["validators"]:
            self.assertEqual(validator["rejected"], 0, validator)
            self.assertEqual(validator["scorer_failures"], 0, validator)

    def test_a_killed_worker_is_started_again(self):
        sandbox = self.sandbox("--validators", 1)
        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 1)
        children = run("pgrep", "-P", miner.process.pid).stdout.split()
        self.assertEqual(len(children), 1)
        os.kill(int(children[0]), signal.SIGKILL)
        before = self.accepted(miner)
        wait_for(lambda: self.accepted(miner) > before)
        workers = get_json(miner.ready["http"], "/api/ledger")["workers"]
        self.assertEqual(workers[0]["restarts"], 1)
        self.assertEqual(miner.stop(), 0)

    def test_workers_die_with_a_killed_miner(self):
        sandbox = self.sandbox("--validators", 1)
        miner = self.mine(sandbox)
        wait_for(lambda: self.accepted(miner) >= 1)
        worker = int(run("pgrep", "-P", miner.process.pid).stdout)
        miner.kill()
        wait_for(lambda: not pathlib.Path(f"/proc/{worker}").exists() or
                 re.search(r"\) Z", pathlib.Path(f"/proc/{worker}/stat").read_text()), 10)

    def test_sighup_takes_a_blacklist_edit_live(self):
        blacklist = self.dir / "blacklist.toml"
        blacklist.write_text("[[blacklist]]\nuid = 180\nreason = 'copies'\n")
        sandbox = self.sandbox("--validators", 1)
        uid = sandbox.ready["validators"][0]["uid"]
        miner = self.mine(sandbox, "--blacklist.file", blacklist)
        wait_for(lambda: self.accepted(miner) >= 1)
        blacklist.write_text(f"[[blacklist]]\nuid = {uid}\nreason = 'rude'\n")
        miner.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any(row["uid"] == uid and row["reason"] == f"blacklisted by uid {uid}: rude"
                             for row in get_json(miner.ready["http"], "/api/ledger")["validators"]))
        self.assertEqual(miner.stop(), 0)

    def test_the_demo_reaches_its_goal_and_keeps_its_contract(self):
        out, report = self.dir / "demo", self.dir / "demo.json"
        result = run(LODE, "demo", "--validators", 2, "--results", 1, "--out", out, "--json", report, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        demo = json.loads(report.read_text())
        for row in demo["validators"]:
            for key in ("uid", "hotkey", "state", "reason", "pulled", "accepted", "empty", "rejected", "violations",
                        "mean_score"):
                self.assertIn(key, row)
        self.assertEqual(demo["totals"]["rejected"], 0)
        self.assertEqual(demo["totals"]["violations"], 0)
        self.assertGreaterEqual(demo["totals"]["accepted"], 2)
        self.assertTrue(pathlib.Path(demo["contact_sheet"]).read_bytes().startswith(b"\x89PNG"))
        self.assertIn("wall time per stage", result.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
