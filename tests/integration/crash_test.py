#!/usr/bin/env python3
"""Kills a mining lode with SIGKILL at random instants, again and again, and audits the books.

Usage: crash_test.py BIN_FOLDER [--kills 15] [--seed 1] [--keep FOLDER]

A sandbox subnet in quick motion and a generation service that answers at once run all the time;
only the miner dies. After every kill its journal must be whole. At the end nothing that could have
been submitted may be lost, made twice or submitted twice.
"""
import argparse
import http.client
import json
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stub_service  # noqa: E402: found by the line above

VALIDATORS = 8
TIME_SCALE = 150  # a cooldown of 2 s, a throttle window and a validation lock of 1 s


class Crash:
    def __init__(self, options, folder):
        self.lode = pathlib.Path(options.bin).resolve() / "lode"
        self.kills, self.random, self.folder = options.kills, random.Random(options.seed), folder
        self.journal = folder / "journal.db"
        self.problems = []
        self.log = open(folder / "miner.log", "w")

    def start_services(self):
        self.generator = stub_service.start()
        self.sandbox = subprocess.Popen(
            [self.lode, "sandbox", "--validators", str(VALIDATORS), "--time-scale", str(TIME_SCALE), "--seed", "7",
             "--image-share", "0", "--scorer", "trust", "--dir", self.folder],
            stdout=subprocess.PIPE, stderr=open(self.folder / "sandbox.log", "w"), text=True)
        self.ready = json.loads(self.sandbox.stdout.readline())

    def stop_services(self):
        self.sandbox.terminate()
        self.sandbox.wait(30)
        self.generator.shutdown()

    def miner(self):
        return subprocess.Popen(
            [self.lode, "mine", "--config", "none", "--wallet.file", self.ready["miner_hotkey_file"],
             "--metagraph.file", self.ready["metagraph_file"], "--journal.path", self.journal,
             "--http.listen", "127.0.0.1:0", "--generation.endpoints",
             f"http://127.0.0.1:{self.generator.server_port}"],
            stdout=subprocess.DEVNULL, stderr=self.log)

    def books(self):
        connection = http.client.HTTPConnection(self.ready["control"], timeout=10)
        connection.request("GET", "/sandbox/status")
        return json.loads(connection.getresponse().read())["totals"]

    def query(self, sql):
        database = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def check_journal(self, when):
        """Recovers a copy as the next miner would and reads it through; the journal itself is left to that miner."""
        if not self.journal.exists():
            return  # killed before it was begun
        copy = self.folder / "copy.db"
        for suffix in ("", "-wal", "-journal"):
            copy.with_name("copy.db" + suffix).unlink(missing_ok=True)
            if (part := self.journal.with_name(self.journal.name + suffix)).exists():
                shutil.copyfile(part, copy.with_name("copy.db" + suffix))
        database = sqlite3.connect(copy)
        try:
            found = database.execute("PRAGMA integrity_check").fetchall()
        except sqlite3.Error as error:
            found = [(str(error),)]
        finally:
            database.close()
        if found != [("ok",)]:
            self.problems.append(f"{when}: {found[0][0]}")

    def run(self):
        self.start_services()
        try:
            began = time.monotonic()
            for kill in range(self.kills):
                miner = self.miner()
                time.sleep(self.random.uniform(0, 1.5) ** 2 / 1.5)  # often early, sometimes late
                if miner.poll() is not None:
                    self.problems.append(f"the miner ended by itself with {miner.returncode} before kill {kill}")
                miner.kill()
                miner.wait()
                self.check_journal(f"after kill {kill}")
            self.end_quietly()
            self.audit(time.monotonic() - began)
        finally:
            self.stop_services()
        return self.problems

    def end_quietly(self):
        """A last miner that is left alone until everything from before is settled, then drained."""
        miner = self.miner()
        deadline = time.monotonic() + 20
        time.sleep(2)
        held = {row[0] for row in self.query("SELECT task_id FROM tasks WHERE outcome = ''")}
        while held and time.monotonic() < deadline:
            time.sleep(0.1)
            names = ",".join(f"'{task}'" for task in held)
            held = {row[0] for row in self.query(f"SELECT task_id FROM tasks WHERE outcome = '' AND task_id IN ({names})")}
        miner.send_signal(signal.SIGTERM)
        if miner.wait(60) != 0:
            self.problems.append(f"the last miner ended with {miner.returncode}")
        self.check_journal("at the end")
        if held:
            self.problems.append(f"still held after all: {sorted(held)}")

    def audit(self, seconds):
        books = self.books()
        for counter in ("duplicates", "wrong_task", "forbidden", "rejected", "wrong_signatures"):
            if books[counter] != 0:
                self.problems.append(f"the validators counted {books[counter]} {counter}")
        lost = self.query(
            "SELECT task_id, outcome FROM tasks WHERE outcome NOT IN ('', 'accepted', 'settled') AND EXISTS "
            "(SELECT 1 FROM candidates c WHERE c.hotkey = tasks.hotkey AND c.task_id = tasks.task_id AND artifact <> '')")
        for task, outcome in lost:
            self.problems.append(f"task {task} had a result and ended {outcome}")
        again = self.query("SELECT task_id, count(*) FROM candidates GROUP BY hotkey, task_id HAVING count(*) > 1")
        for task, count in again:
            self.problems.append(f"task {task} was made {count} times although its first result was kept")
        known = self.query("SELECT count(*) FROM tasks WHERE outcome IN ('accepted', 'settled')")[0][0]
        if known != books["accepted"]:
            self.problems.append(f"the validators accepted {books['accepted']} results, the journal knows of {known}")
        settled = self.query("SELECT count(*) FROM tasks WHERE outcome = 'settled'")[0][0]
        resumed = self.query("SELECT count(*) FROM (SELECT 1 FROM events WHERE kind = 'submitting' "
                             "GROUP BY hotkey, task_id HAVING count(*) > 1)")[0][0]
        if self.kills >= 10 and books["accepted"] < VALIDATORS:
            self.problems.append("hardly anything was mined: this proves nothing")
        print(f"{self.kills} kills in {seconds:.0f} s: {books['accepted']} results accepted, {settled} of them settled "
              f"after their reply was lost, {resumed} submitted again after a kill; {books['pulls']} pulls, "
              f"{books['reissued']} tasks handed out again, {books['violations']} violations, {books['locked']} locked")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bin")
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="leave journal and logs in this folder")
    options = parser.parse_args()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="lode_crash_"))
    folder.mkdir(exist_ok=True)
    problems = Crash(options, folder.resolve()).run()
    print("\n".join(problems) or "nothing lost, nothing twice")
    if not options.keep:
        shutil.rmtree(folder)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
