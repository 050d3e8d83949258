#!/usr/bin/env python3
"""Checks lode's keys and signatures against btwallet, the wallet that validators run.

Usage, from the project's root, in a virtual environment with bittensor-wallet 4.0.0:
    tools/interop/check_signatures.py [build/release/bin/lode]
Exit status: 0 when both sides accept each other's signatures and hotkey files.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from bittensor_wallet import Keypair, Wallet

ROUNDS = 50


def run(lode, *args):
    return subprocess.run([lode, "wallet", *args], capture_output=True, text=True)


def lode_json(lode, *args):
    done = run(lode, *args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lode_verifies(lode, address, message, signature):
    return run(lode, "verify", "--ss58", address, "--hex", message.hex(),
               "--signature", signature).returncode == 0


def check_hotkey_file_of_btwallet(lode, folder):
    """A hotkey that btwallet creates, with phrase, seed and expanded secret in one file."""
    wallet = Wallet(name="interop", hotkey="miner", path=str(folder))
    wallet.create_new_hotkey(use_password=False, overwrite=True, suppress=True)
    file = folder / "interop" / "hotkeys" / "miner"
    file.chmod(0o600)
    shown = lode_json(lode, "show", "--file", str(file))
    assert shown["ss58"] == wallet.hotkey.ss58_address, shown
    return file, wallet.hotkey


def check_signatures(lode, file, keypair, rng):
    for _ in range(ROUNDS):
        message = rng.randbytes(rng.randrange(1, 400))
        ours = lode_json(lode, "sign", "--file", str(file), "--hex", message.hex())["signature"]
        assert keypair.verify(message, bytes.fromhex(ours[2:])), "btwallet refuses lode's signature"
        other = bytes([message[0] ^ 1]) + message[1:]
        assert not keypair.verify(other, bytes.fromhex(ours[2:])), "btwallet accepts another message"
        theirs = keypair.sign(message).hex()
        assert lode_verifies(lode, keypair.ss58_address, message, theirs), "lode refuses btwallet's"
        assert not lode_verifies(lode, keypair.ss58_address, other, theirs), "lode accepts another"


def main():
    lode = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/lode"
    rng = random.Random(17)
    with tempfile.TemporaryDirectory() as folder:
        file, keypair = check_hotkey_file_of_btwallet(lode, pathlib.Path(folder))
        check_signatures(lode, file, keypair, rng)
        alice = Keypair.create_from_uri("//Alice")
        file = pathlib.Path(folder) / "alice.json"
        file.write_text(json.dumps(
            {"secretSeed": "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"}))
        file.chmod(0o600)
        check_signatures(lode, file, alice, rng)
    print(f"{2 * ROUNDS} messages signed and verified both ways; btwallet's hotkey file read")


if __name__ == "__main__":
    main()
