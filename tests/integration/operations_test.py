#!/usr/bin/env python3
"""Running the programs: cancellation, worker endpoints, reload, diagnostics.

Usage: operations_test.py BIN_FOLDER
"""
import http.client
import json
import os
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
