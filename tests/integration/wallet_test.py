#!/usr/bin/env python3
"""Wallets, settings and the signer as an operator uses them.

Usage: wallet_test.py BIN_FOLDER
"""
import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from programs_test import LODE, Daemon, wait_for

DEV_PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
DEV = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
EMPTY_HASH = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"


class WalletCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lode_wallet_")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("LODE_", "BT_"))}
        self.env["HOME"] = str(self.dir)

    def lode(self, *args, stdin="", env=None):
        # A session of its own has no terminal to prompt at.
        return subprocess.run([str(LODE), *map(str, args)], input=stdin, capture_output=True, text=True, timeout=120,
                              cwd=self.dir, env={**self.env, **(env or {})}, start_new_session=True)

    def json(self, *args, **options):
        done = self.lode(*args, "--json", **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, done, *texts, code=3):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)


class Wallets(WalletCase):
    def test_new_writes_private_files_where_btwallet_looks_for_them(self):
        old = os.umask(0)
        try:
            made = self.json("wallet", "new", "--wallet.name", "w", "--wallet.hotkey", "h", "--words", 24, "--show-phrase")
        finally:
            os.umask(old)
        wallet = self.dir / ".bittensor" / "wallets" / "w"
        self.assertEqual(made["file"], str(wallet / "hotkeys" / "h"))
        self.assertEqual((wallet / "hotkeys" / "h").stat().st_mode & 0o777, 0o600)
        for folder in (wallet / "hotkeys", wallet, wallet.parent, wallet.parent.parent):
            self.assertEqual(folder.stat().st_mode & 0o777, 0o700, folder)
        self.assertEqual(len(made["phrase"].split()), 24)
        shown = self.json("wallet", "show", "--wallet.name", "w", "--wallet.hotkey", "h")
        self.assertEqual(shown["ss58"], made["ss58"])
        public = self.json("wallet", "show", "--file", wallet / "hotkeys" / "hpub.txt")
        self.assertEqual(public["ss58"], made["ss58"])

    def test_new_and_import_never_overwrite_unless_forced(self):
        made = self.json("wallet", "new")
        for args, stdin in ((("new",), ""), (("import",), DEV_PHRASE)):
            self.assert_refused(self.lode("wallet", *args, stdin=stdin), "exists already", "--force")
        self.assertEqual(self.json("wallet", "show")["ss58"], made["ss58"])
        self.assertEqual(self.json("wallet", "import", "--force", stdin=DEV_PHRASE)["ss58"], DEV)
        self.assertEqual(self.json("wallet", "show")["ss58"], DEV)

    def test_new_prints_the_phrase_only_when_asked(self):
        done = self.lode("wallet", "new", "--json")
        words = json.loads((self.dir / ".bittensor/wallets/default/hotkeys/default").read_text())["secretPhrase"]
        self.assertNotIn(words, done.stdout + done.stderr)

    def test_import_reads_phrases_seeds_and_paths_from_stdin(self):
        for stdin, args, expected in (
                (DEV_PHRASE + "\n", (), DEV), (DEV_PHRASE + "//Alice", (), ALICE),
                (DEV_PHRASE, ("--derive", "//Alice"), ALICE),
                ("0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a\n", (), ALICE)):
            made = self.json("wallet", "import", "--force", *args, stdin=stdin)
            self.assertEqual(made["ss58"], expected)
            self.assertEqual(self.json("wallet", "show")["ss58"], expected)

    def test_import_refuses_bad_phrases_without_quoting_them(self):
        for stdin, text in (("sesame " * 12, "word 1"), (DEV_PHRASE.replace("walk", "fit"), "checksum"), ("", "phrase"),
                            ("x" * 5000, "bytes"), ("0x12", "64 hexadecimal"), (DEV_PHRASE + "//", "junction")):
            done = self.lode("wallet", "import", stdin=stdin)
            self.assert_refused(done, text)
            for word in ("sesame", "bottom", "xxx"):
                self.assertNotIn(word, done.stderr)
            self.assertFalse((self.dir / ".bittensor").exists())
        self.assert_refused(self.lode("wallet", "import", "--derive", "///pw", stdin=DEV_PHRASE), "stdin")

    def test_an_encrypted_hotkey_takes_its_password_from_anywhere_but_argv(self):
        file = self.dir / "key"
        self.json("wallet", "import", "--file", file, "--encrypt", stdin=DEV_PHRASE, env={"LODE_WALLET_PASSWORD": "pw"})
        self.assertTrue(file.read_bytes().startswith(b"$NACL"))
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        show = ("wallet", "show", "--file", file)
        self.assertEqual(self.json(*show, "--wallet.password_fd", 0, stdin="pw\n")["ss58"], DEV)
        self.assertEqual(self.json(*show, "--wallet.password_env", "MINE", env={"MINE": "pw"})["ss58"], DEV)
        self.assert_refused(self.lode(*show, env={"LODE_WALLET_PASSWORD": "pW"}), "wrong password")
        self.assert_refused(self.lode(*show), "no terminal")
        self.assert_refused(self.lode(*show, "--wallet.password_env", "NOTSET"), "NOTSET")
        file.write_bytes(file.read_bytes()[:40])
        self.assert_refused(self.lode(*show, env={"LODE_WALLET_PASSWORD": "pw"}), "cut short")

    def test_a_prompt_does_not_echo(self):
        file = self.dir / "key"
        self.json("wallet", "import", "--file", file, "--encrypt", stdin=DEV_PHRASE, env={"LODE_WALLET_PASSWORD": "pw-91"})
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(LODE, [str(LODE), "wallet", "show", "--file", str(file)], self.env)
        seen = b""
        while b"Password of" not in seen:
            seen += os.read(terminal, 1024)
        time.sleep(0.2)
        os.write(terminal, b"pw-91\n")
        try:
            while chunk := os.read(terminal, 1024):
                seen += chunk
        except OSError:
            pass  # the other end closed
        os.waitpid(pid, 0)
        os.close(terminal)
        self.assertIn(DEV.encode(), seen)
        self.assertNotIn(b"pw-91", seen)

    def test_a_coldkey_never_signs(self):
        wallet = self.dir / ".bittensor/wallets/default"
        self.json("wallet", "import", stdin=DEV_PHRASE)
        (wallet / "hotkeys/default").rename(wallet / "coldkey")
        self.assert_refused(self.lode("wallet", "sign", "--file", wallet / "coldkey", "--hex", "00"), "coldkey")
        (wallet / "coldkeypub.txt").write_text(json.dumps({"ss58Address": DEV}))
        (wallet / "coldkey").rename(wallet / "hotkeys/renamed")
        self.assert_refused(self.lode("wallet", "sign", "--wallet.hotkey", "renamed", "--hex", "00"), "coldkey")
        self.assertEqual(self.json("wallet", "show", "--file", wallet / "coldkeypub.txt")["ss58"], DEV)


class Config(WalletCase):
    def test_says_where_each_value_came_from(self):
        (self.dir / "lode.toml").write_text('netuid = 3\n[wallet]\nname = "file"\nhotkey = "file"\n')
        shown = self.json("config", "--wallet.hotkey", "flag", env={"LODE_NETUID": "4"})
        self.assertEqual(shown["wallet.name"], {"value": "file", "origin": "lode.toml line 3"})
        self.assertEqual(shown["wallet.hotkey"], {"value": "flag", "origin": "flag"})
        self.assertEqual(shown["netuid"], {"value": 4, "origin": "environment LODE_NETUID"})
        self.assertEqual(shown["subtensor.network"], {"value": "finney", "origin": "default"})
        self.assertEqual(self.json("config", "--logging.debug")["logging.debug"], {"value": True, "origin": "flag"})

    def test_redacts_secrets_in_urls_and_shows_paths(self):
        (self.dir / "lode.toml").write_text('generation.endpoints = ["http://u:hunter2@g", "http://h/generate?k=hunter2"]\n')
        flags = ("--subtensor.chain_endpoint", "wss://u:hunter2@node/?key=hunter2", "wss://node2/v1/hunter2",
                 "--signer", "/run/lode/signer", "--wallet.path", "/w")
        environment = {"LODE_SUBTENSOR_NETWORK": "wss://n/hunter2", "LODE_WALLET_PASSWORD": "hunter2"}
        for form in ((), ("--json",)):
            done = self.lode("config", *flags, *form, env=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("hunter2", done.stdout + done.stderr)
        shown = json.loads(done.stdout)
        self.assertEqual(shown["subtensor.chain_endpoint"]["value"], ["wss://***@node/?***", "wss://node2/***"])
        self.assertEqual(shown["subtensor.network"]["value"], "wss://n/***")
        self.assertEqual(shown["generation.endpoints"]["value"], ["http://***@g", "http://h/generate?***"])
        self.assertEqual((shown["signer"]["value"], shown["wallet.path"]["value"]), ("/run/lode/signer", "/w"))
        self.json("wallet", "new")
        done = self.lode("mine", "--subtensor.chain_endpoint", "wss://u:hunter2@node", "--config", "none")
        self.assert_refused(done, "wss://***@node")
        self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_a_misspelt_key_is_an_error_of_every_command_that_takes_settings(self):
        (self.dir / "other.toml").write_text("\nneuron.sync_intervall = 5\n")
        for command in (("config",), ("wallet", "show"), ("mine",)):
            self.assert_refused(self.lode(*command, "--config", "other.toml"), "other.toml line 2",
                                "nearest known one is neuron.sync_interval")
        self.assert_refused(self.lode("config", env={"LODE_CONFIG": "nowhere.toml"}), "nowhere.toml")
        self.assertEqual(self.lode("config", "--config", "none", env={"LODE_CONFIG": "nowhere.toml"}).returncode, 0)

    def test_a_wallet_in_the_file_is_the_wallet_that_signs(self):
        self.json("wallet", "import", "--wallet.name", "mine", stdin=DEV_PHRASE)
        (self.dir / "lode.toml").write_text('wallet.name = "mine"\n')
        self.assertEqual(self.json("wallet", "show")["ss58"], DEV)


class Signer(WalletCase):
    def setUp(self):
        super().setUp()
        self.key = self.dir / "key"
        self.json("wallet", "import", "--file", self.key, stdin=DEV_PHRASE + "//Alice")
        self.socket = self.dir / "signer"

    def start(self):
        return Daemon(self, LODE, "signer", "--socket", self.socket, "--wallet.file", self.key)

    def ask(self, connection, payload):
        connection.sendall(struct.pack("<I", len(payload)) + payload)
        size, = struct.unpack("<I", connection.recv(4, socket.MSG_WAITALL))
        answer = connection.recv(size, socket.MSG_WAITALL)
        return answer[0], answer[1:]

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(20)
        connection.connect(str(self.socket))
        return connection

    def request(self, nonce):
        return f"{nonce}.{ALICE}.{BOB}.b7d2a5ce-8d6e-11f0-9c1e-0242ac120002.{EMPTY_HASH}".encode()

    def test_signs_requests_and_nothing_else(self):
        signer = self.start()
        self.assertEqual(signer.ready["ss58"], ALICE)
        connection = self.connect()
        self.assertEqual(self.ask(connection, b"\0"), (0, ALICE.encode()))
        text = self.request(time.time_ns())
        status, signature = self.ask(connection, b"\1" + text)
        self.assertEqual(status, 0)
        self.json("wallet", "verify", "--ss58", ALICE, "--hex", text.hex(), "--signature", signature.hex())
        for refused in (b"\1hello", b"\1", b"\1" + self.request(1757400000123456789), b"\2", b"\0x", b"\1" + text + b"x"):
            self.assertEqual(self.ask(connection, refused)[0], 1, refused)
        self.assertEqual(signer.stop(), 0)

    def test_serves_its_user_alone_and_is_confined(self):
        signer = self.start()
        self.assertEqual(self.socket.stat().st_mode & 0o777, 0o600)
        status = pathlib.Path(f"/proc/{signer.process.pid}/status").read_text()
        log = signer.text()
        self.assertIn("Landlock: ", log)
        self.assertIn("seccomp: ", log)
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        limits = pathlib.Path(f"/proc/{signer.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0\s")
        if "seccomp: in force" in log:
            self.assertRegex(status, r"Seccomp:\s+2")
        seed = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
        self.assertNotIn(seed, log)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_turns_other_users_away_even_where_the_socket_lets_them_in(self):
        signer = self.start()
        self.dir.chmod(0o755)
        self.socket.chmod(0o666)
        pid = os.fork()
        if pid == 0:
            os.setgid(65534)
            os.setuid(65534)
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(20)
            connection.connect(str(self.socket))
            try:
                connection.sendall(struct.pack("<I", 1) + b"\0")
                answer = connection.recv(100)
            except OSError:
                answer = b""
            os._exit(1 if answer else 0)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertIn("another user", signer.text())
        self.assertEqual(signer.stop(), 0)

    def test_outlives_clients_that_send_garbage(self):
        signer = self.start()
        for garbage in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\5\0\0\0ab", b"\1"):
            connection = self.connect()
            connection.sendall(garbage)
            connection.close()
        self.assertEqual(self.ask(self.connect(), b"\0"), (0, ALICE.encode()))
        self.assertEqual(signer.stop(), 0)

    def test_takes_over_a_dead_socket_and_nothing_else(self):
        first = self.start()
        self.assert_refused(self.lode("signer", "--socket", self.socket, "--wallet.file", self.key), "already")
        first.kill()
        self.assertTrue(self.socket.exists())
        second = self.start()
        self.assertEqual(self.ask(self.connect(), b"\0"), (0, ALICE.encode()))
        second.stop()
        file = self.dir / "file"
        file.write_text("precious")
        self.assert_refused(self.lode("signer", "--socket", file, "--wallet.file", self.key), "no socket")
        self.assertEqual(file.read_text(), "precious")
        self.assert_refused(self.lode("signer", "--socket", "x" * 200, "--wallet.file", self.key), "socket")

    def test_a_miner_works_through_a_signer_and_survives_its_restart(self):
        sandbox = Daemon(self, LODE, "sandbox", "--time-scale", 100, "--seed", 4, "--dir", self.dir, "--validators", 2)
        self.key = sandbox.ready["miner_hotkey_file"]
        signer = self.start()
        miner = Daemon(self, LODE, "mine", "--signer", self.socket, "--metagraph.file", sandbox.ready["metagraph_file"],
                       "--journal.path", self.dir / "journal.db", "--http.listen", "127.0.0.1:0", "--workers", 1)
        self.assertEqual(miner.ready["hotkey"], signer.ready["ss58"])

        def accepted():
            done = self.lode("validators", "--http", miner.ready["http"], "--json")
            return sum(row["accepted"] for row in json.loads(done.stdout)["validators"]) if done.returncode == 0 else 0

        wait_for(lambda: accepted() >= 1)
        signer.kill()
        time.sleep(2)  # signatures are asked for meanwhile: the miner waits for the next signer
        signer = self.start()
        before = accepted()
        wait_for(lambda: accepted() > before)
        self.assertEqual(miner.stop(), 0)
        self.assertEqual(re.findall("not signed", signer.text()), [])
        self.assertEqual(signer.stop(), 0)

    def test_mining_without_its_signer_is_a_clear_error(self):
        done = self.lode("mine", "--signer", self.socket, "--metagraph.file", "x.json")
        self.assert_refused(done, "no signer answers", code=4)


if __name__ == "__main__":
    unittest.main()
