#!/usr/bin/env python3
"""Checks lode's signatures against btwallet, the wallet that validators run.

Usage, from the project's root, in a virtual environment with bittensor-wallet 4.0.0:
    tools/interop/check_signatures.py [build/release/bin/lode]
Exit status: 0 when both sides accept each other's signatures.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from bittensor_wallet import Keypair
from checks import Checks

ROUNDS = 50
ALICE_SEED = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"


def run(lode, *args):
    return subprocess.run([lode, "wallet", *args], capture_output=True, text=True)


def messages(seed):
    rng = random.Random(seed)
    return [rng.randbytes(rng.randrange(1, 400)) for _ in range(ROUNDS)]


def other_than(message):
    return bytes([message[0] ^ 1]) + message[1:]


def check_ours(lode, file, keypair):
    for message in messages(1):
        done = run(lode, "sign", "--file", str(file), "--hex", message.hex(), "--json")
        signature = bytes.fromhex(json.loads(done.stdout)["signature"][2:])
        assert keypair.verify(message, signature), "btwallet refuses lode's signature"
        assert not keypair.verify(other_than(message), signature), "btwallet accepts another message"
    return f"{ROUNDS} messages"


def check_theirs(lode, keypair):
    def lode_verifies(message, signature):
        return run(lode, "verify", "--ss58", keypair.ss58_address, "--hex", message.hex(), "--signature",
                   signature.hex()).returncode == 0

    for message in messages(2):
        signature = keypair.sign(message)
        assert lode_verifies(message, signature), "lode refuses btwallet's signature"
        assert not lode_verifies(other_than(message), signature), "lode accepts another message"
    return f"{ROUNDS} messages"


def main():
    lode = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/lode"
    checks = Checks("signatures")
    alice = Keypair.create_from_uri("//Alice")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "alice.json"
        file.write_text(json.dumps({"secretSeed": ALICE_SEED}))
        file.chmod(0o600)
        checks.run("btwallet verifies lode's signatures", check_ours, lode, file, alice)
        checks.run("lode verifies btwallet's signatures", check_theirs, lode, alice)
    checks.finish()


if __name__ == "__main__":
    main()
