#!/usr/bin/env python3
"""Checks lode's wallet files against btwallet: each reads what the other wrote.

Usage, from the project's root, in a virtual environment with bittensor-wallet 4.0.0:
    tools/interop/check_wallets.py [build/release/bin/lode]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from bittensor_wallet import Keypair, Wallet
from bittensor_wallet.keyfile import legacy_encrypt_keyfile_data, serialized_keypair_to_keyfile_data
from checks import Checks

PASSWORD = "p\u00e4ss word"
PATHS = ("", "//hard", "/soft", "//hard/soft//0", "/18446744073709551615", "//" + "a" * 40, "///password")


class Lode:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, *args, stdin="", password=None):
        env = dict(os.environ, **({"LODE_WALLET_PASSWORD": password} if password else {}))
        return subprocess.run([self.binary, "wallet", *args, "--wallet.path", str(self.folder), "--json"], input=stdin,
                              capture_output=True, text=True, env=env, start_new_session=True)

    def json(self, *args, **options):
        done = self.run(*args, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def wallet_of(folder, name):
    return Wallet(name=name, hotkey="h", path=str(folder))


def names(name):
    return ("--wallet.name", name, "--wallet.hotkey", "h")


def same_key(keypair, address):
    assert keypair.ss58_address == address, (keypair.ss58_address, address)
    assert Keypair(ss58_address=address).verify(b"x", keypair.sign(b"x"))


def ours_plain(lode):
    for words in (12, 15, 18, 21, 24):
        made = lode.json("new", *names(f"new{words}"), "--words", str(words), "--show-phrase")
        wallet = wallet_of(lode.folder, f"new{words}")
        same_key(wallet.get_hotkey(), made["ss58"])
        same_key(Keypair.create_from_mnemonic(made["phrase"]), made["ss58"])
        assert wallet.hotkeypub.ss58_address == made["ss58"]
    return "phrases of 12, 15, 18, 21 and 24 words"


def ours_encrypted(lode):
    made = lode.json("new", *names("sealed"), "--encrypt", password=PASSWORD)
    wallet = wallet_of(lode.folder, "sealed")
    assert wallet.hotkey_file.is_encrypted()
    same_key(wallet.get_hotkey(PASSWORD), made["ss58"])
    try:
        wallet.get_hotkey("wrong")
    except Exception:
        return None
    raise AssertionError("btwallet opens it with another password")


def ours_derived(lode):
    phrase = Keypair.generate_mnemonic(12)
    for path in PATHS:
        made = lode.json("import", *names("derived"), "--force", stdin=phrase + path)
        assert made["ss58"] == Keypair.create_from_uri(phrase + path).ss58_address, path
        same_key(wallet_of(lode.folder, "derived").get_hotkey(), made["ss58"])
    return f"{len(PATHS)} paths"


def theirs(lode, password):
    name = "theirs" + ("_sealed" if password else "")
    wallet = wallet_of(lode.folder, name)
    wallet.create_new_coldkey(use_password=False, overwrite=True, suppress=True)
    wallet.create_new_hotkey(use_password=bool(password), hotkey_password=password, overwrite=True, suppress=True)
    address = (wallet.get_hotkey(password) if password else wallet.get_hotkey()).ss58_address
    assert lode.json("show", *names(name), password=password)["ss58"] == address
    if password:
        done = lode.run("show", *names(name), password="wrong")
        assert done.returncode == 3 and "wrong password" in done.stderr, done.stderr


def theirs_of_old(lode):
    wallet = wallet_of(lode.folder, "old")
    keypair = Keypair.create_from_mnemonic(Keypair.generate_mnemonic(12))
    wallet.set_hotkey(keypair, encrypt=False, overwrite=True)
    file = lode.folder / "old" / "hotkeys" / "h"
    file.write_bytes(bytes(legacy_encrypt_keyfile_data(serialized_keypair_to_keyfile_data(keypair), PASSWORD)))
    assert wallet.hotkey_file.is_encrypted()
    done = lode.run("show", *names("old"))
    assert done.returncode == 3 and f"{file}: encrypted" in done.stderr and "Ansible vault" in done.stderr, done.stderr
    wallet.hotkey_file.decrypt(PASSWORD)  # what the error advises
    wallet.hotkey_file.encrypt(PASSWORD)
    assert lode.json("show", *names("old"), password=PASSWORD)["ss58"] == keypair.ss58_address


def theirs_by_uri(lode):
    wallet = wallet_of(lode.folder, "uri")
    wallet.create_hotkey_from_uri("//Alice", use_password=False, overwrite=True, suppress=True)
    assert lode.json("show", *names("uri"))["ss58"] == Keypair.create_from_uri("//Alice").ss58_address


def saved_password(lode):
    wallet = wallet_of(lode.folder, "theirs_sealed")
    wallet.hotkey_file.save_password_to_env(PASSWORD)
    # The variable is in the process's environment and not in os.environ: inherit it.
    done = subprocess.run([lode.binary, "wallet", "show", *names("theirs_sealed"), "--wallet.path", str(lode.folder),
                           "--json"], capture_output=True, text=True, start_new_session=True)
    assert done.returncode == 0, done.stderr


def coldkeys(lode):
    folder = lode.folder / "theirs"
    shown = lode.json("show", "--file", str(folder / "coldkeypub.txt"))
    assert shown["ss58"] == wallet_of(lode.folder, "theirs").coldkeypub.ss58_address
    done = lode.run("sign", "--file", str(folder / "coldkey"), "--hex", "00")
    assert done.returncode == 3 and "coldkey" in done.stderr, done.stderr


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/lode"
    checks = Checks("wallets")
    with tempfile.TemporaryDirectory() as folder:
        lode = Lode(binary, pathlib.Path(folder))
        checks.run("btwallet reads lode's plain hotkeys and their phrases", ours_plain, lode)
        checks.run("btwallet opens lode's encrypted hotkey, by its password alone", ours_encrypted, lode)
        checks.run("btwallet derives and reads the keys that lode derives", ours_derived, lode)
        checks.run("lode reads btwallet's plain hotkey", theirs, lode, None)
        checks.run("lode opens btwallet's encrypted hotkey, by its password alone", theirs, lode, PASSWORD)
        checks.run("lode names btwallet's Ansible vault, and opens it as btwallet writes it anew", theirs_of_old, lode)
        checks.run("lode reads btwallet's hotkey of a URI", theirs_by_uri, lode)
        checks.run("lode takes the password that btwallet saved in the environment", saved_password, lode)
        checks.run("lode shows btwallet's coldkeypub and refuses its coldkey", coldkeys, lode)
    checks.finish()


if __name__ == "__main__":
    main()
