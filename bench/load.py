#!/usr/bin/env python3
"""One miner against hundreds of sandbox validators on loopback: how late its pulls are, what it costs.

Usage: bench/load.py [--validators 256] [--workers 4] [--seconds 90] [--time-scale 10]
                     [--generation-seconds 0] [--fault-rate 0]
       bench/load.py --idle [--validators 256] [--seconds 150]

A stub generation service gives every task the same splat and the validators accept anything, so that
the miner and the sandbox alone are measured. Lateness is the time from the instant at which a
validator's cooldown ends (on its clock, as far as known) to the request. `of_bound` is what was
accepted after the first two cycles, as a share of one result a validator and cooldown: meant for
generations that fit the throttle window. Results come once a cycle, so that whole cycles are
measured, at least one: `--seconds` is rounded to that. Prints one JSON object.

`--idle` measures what mining costs while there is nothing to do: in real time (cooldowns of 300 s)
the clock starts once every validator has a result and cools, after a minute or so, and stops before
the first cooldown ends.
"""
import argparse
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
import stub_service  # noqa: E402: found by the line above

LODE = pathlib.Path(os.environ.get("LODE", ROOT / "build/release/bin/lode"))


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
    for bucket in timing.get("buckets", []):
        if bucket["count"] >= wanted:
            return 1000 * bucket["at_most"]
    return 1000 * timing["max_seconds"]


def start(*args, log):
    process = subprocess.Popen([str(a) for a in args], stdout=subprocess.PIPE, stderr=log, text=True)
    return process, json.loads(process.stdout.readline())


def measure_load(options, miner, address):
    before, began = cpu_seconds(miner.pid), time.monotonic()
    cooldown = 300 / options.time_scale
    cycles = max(1, round(options.seconds / cooldown) - 2)
    time.sleep(2 * cooldown)
    first, first_at = ledger(address), time.monotonic()
    time.sleep(cycles * cooldown)
    last, last_at = ledger(address), time.monotonic()
    gained = last["totals"]["accepted"] - first["totals"]["accepted"]
    busy = (cpu_seconds(miner.pid) - before) / (time.monotonic() - began)
    lateness = last["stages"]["pull_lateness"]
    return {"validators": options.validators, "time_scale": options.time_scale, "seconds": (2 + cycles) * cooldown,
            "pulls": last["stages"]["pull"]["count"], "totals": last["totals"],
            "of_bound": round(gained * cooldown / (options.validators * (last_at - first_at)), 4),
            "busy_cpu_percent": round(100 * busy, 1),
            "pull_lateness_ms": {"mean": round(1000 * lateness["mean_seconds"], 3),
                                 "median_at_most": quantile(lateness, 0.5),
                                 "p99_at_most": quantile(lateness, 0.99),
                                 "max": round(1000 * lateness["max_seconds"], 3)}}


def measure_idle(options, miner, address):
    started = time.monotonic()
    while ledger(address)["totals"]["accepted"] < options.validators:
        if time.monotonic() - started > 200:
            raise RuntimeError(f"not every validator has a result after 200 s: {ledger(address)['totals']}")
        time.sleep(2)
    all_cooling_after = time.monotonic() - started
    pulls = ledger(address)["stages"]["pull"]["count"]
    before, began = cpu_seconds(miner.pid), time.monotonic()
    time.sleep(options.seconds)
    idle = (cpu_seconds(miner.pid) - before) / (time.monotonic() - began)
    return {"validators": options.validators, "all_cooling_after_seconds": round(all_cooling_after, 1),
            "seconds": options.seconds, "idle_cpu_percent": round(100 * idle, 3),
            "pulls_meanwhile": ledger(address)["stages"]["pull"]["count"] - pulls}


def run(options, folder):
    stub = stub_service.start(options.generation_seconds)
    log = open(folder / "log", "w")
    sandbox, ready = start(LODE, "sandbox", "--validators", options.validators, "--time-scale", options.time_scale,
                           "--fault-rate", options.fault_rate, "--scorer", "trust", "--image-share", 0, "--dir", folder, log=log)
    miner = None
    try:
        endpoint = f"http://127.0.0.1:{stub.server_port}"
        miner, mining = start(LODE, "mine", "--config", "none", "--wallet.file", ready["miner_hotkey_file"],
                              "--subtensor.network", ready["chain"], "--journal.path", folder / "journal.db",
                              "--http.listen", "127.0.0.1:0", *["--generation.endpoints", endpoint] * options.workers,
                              log=log)
        result = (measure_idle if options.idle else measure_load)(options, miner, mining["http"])
        result["rss_mib"] = round(memory_kib(miner.pid, "VmRSS") / 1024, 1)
        result["peak_rss_mib"] = round(memory_kib(miner.pid, "VmHWM") / 1024, 1)
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
    parser.add_argument("--seconds", type=float, help="to measure; 90, and 150 for --idle")
    parser.add_argument("--time-scale", type=float, help="10, and 1 for --idle")
    parser.add_argument("--generation-seconds", type=float, default=0)
    parser.add_argument("--fault-rate", type=float, default=0)
    parser.add_argument("--idle", action="store_true")
    options = parser.parse_args()
    options.seconds = options.seconds or (150 if options.idle else 90)
    options.time_scale = options.time_scale or (1 if options.idle else 10)
    with tempfile.TemporaryDirectory(prefix="lode_load_") as folder:
        print(json.dumps(run(options, pathlib.Path(folder)), indent=2))


if __name__ == "__main__":
    sys.exit(main())
