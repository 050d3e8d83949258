#!/usr/bin/env python3
"""One miner against hundreds of sandbox validators on loopback: how late its pulls are, what it costs.

Usage: bench/load.py [--validators 256] [--seconds 90] [--time-scale 10] [--idle-seconds 30]

A stub generation service gives every task the same splat at once and the validators accept anything,
so that the miner and the sandbox alone are measured. Lateness is the time from the instant at which
a validator's cooldown ends (on its clock, as far as known) to the request. Prints one JSON object.
"""
import argparse
import http.client
import http.server
import json
import math
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LODE = ROOT / "build/release/bin/lode"
GAUSSIANS = 8000


def splat():
    """A ball of gaussians that passes the validators' data checks."""
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"]
    names += ["rot_0", "rot_1", "rot_2", "rot_3"]
    rows = []
    for i in range(GAUSSIANS):
        z = 1 - 2 * (i + 0.5) / GAUSSIANS
        r, turn = math.sqrt(1 - z * z), i * 2.399963
        rows.append(struct.pack("<14f", 0.5 * r * math.cos(turn), 0.5 * r * math.sin(turn), 0.5 * z,
                                1.0, 0.2, 0.1, 3.0, -4.0, -4.0, -4.0, 1.0, 0.0, 0.0, 0.0))
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {GAUSSIANS}\n"
    head += "".join(f"property float {name}\n" for name in names) + "end_header\n"
    return head.encode() + b"".join(rows)


class Stub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ply = splat()

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"{}")

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(self.ply)

    def log_message(self, *_):
        pass


def ledger(address):
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", "/api/ledger")
    return json.loads(connection.getresponse().read())


def memory_kib(pid, what):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
    raise RuntimeError(f"no {what} of process {pid}")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(timing, share):
    """The upper edge of the histogram's bucket that holds this share of the values, in ms."""
    wanted = share * timing["count"]
    for bucket in timing["buckets"]:
        if bucket["count"] >= wanted:
            return 1000 * bucket["at_most"]
    return 1000 * timing["max_seconds"]


def start(*args, log):
    process = subprocess.Popen([str(a) for a in args], stdout=subprocess.PIPE, stderr=log, text=True)
    return process, json.loads(process.stdout.readline())


def run(options, folder):
    stub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    stub.daemon_threads = True
    threading.Thread(target=stub.serve_forever, daemon=True).start()
    log = open(folder / "log", "w")
    sandbox, ready = start(LODE, "sandbox", "--validators", options.validators, "--time-scale", options.time_scale,
                           "--scorer", "trust", "--dir", folder, log=log)
    miner = None
    try:
        endpoint = f"http://127.0.0.1:{stub.server_port}"
        miner, mining = start(LODE, "mine", "--config", "none", "--wallet.file", ready["miner_hotkey_file"],
                              "--subtensor.network", ready["chain"], "--journal.path", folder / "journal.db",
                              "--http.listen", "127.0.0.1:0", *["--generation.endpoints", endpoint] * options.workers,
                              log=log)
        before, began = cpu_seconds(miner.pid), time.monotonic()
        time.sleep(options.seconds)
        busy = (cpu_seconds(miner.pid) - before) / (time.monotonic() - began)
        view = ledger(mining["http"])
        # Without validators nothing is to be done but waiting and retrying.
        result = {"validators": options.validators, "time_scale": options.time_scale,
                  "seconds": options.seconds, "pulls": view["stages"]["pull"]["count"],
                  "totals": view["totals"], "busy_cpu_percent": round(100 * busy, 1),
                  "rss_mib": round(memory_kib(miner.pid, "VmRSS") / 1024, 1),
                  "peak_rss_mib": round(memory_kib(miner.pid, "VmHWM") / 1024, 1)}
        lateness = view["stages"]["pull_lateness"]
        result["pull_lateness_ms"] = {"mean": round(1000 * lateness["mean_seconds"], 3),
                                      "median_at_most": quantile(lateness, 0.5),
                                      "p99_at_most": quantile(lateness, 0.99),
                                      "max": round(1000 * lateness["max_seconds"], 3)}
        return result
    finally:
        for process in (miner, sandbox):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(90)
                except subprocess.TimeoutExpired:
                    process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--validators", type=int, default=256)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--time-scale", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lode_load_") as folder:
        print(json.dumps(run(options, pathlib.Path(folder)), indent=2))


if __name__ == "__main__":
    sys.exit(main())
