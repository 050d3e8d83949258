#!/usr/bin/env python3
"""Checks the sandbox with the SDK: bt-decode reads its chain, the dendrite mines at its validators.

Usage, from the project's root, in a virtual environment with bittensor 9.9.0:
    tools/interop/check_sandbox.py [build/release/bin/lode]
"""
import asyncio
import base64
import ipaddress
import json
import pathlib
import subprocess
import sys
import time

import bittensor as bt
from bittensor_wallet import Keypair
from bt_decode import NeuronInfoLite
from check_wire import DECLARATION, PullTask, SubmitResults, sdk_dendrite
from checks import Checks
from websockets.sync.client import connect

NETUID = 17


class Sandbox:
    """lode sandbox for as long as the with block lasts."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary, "sandbox", "--validators", "6", "--seed", "3"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.ready = json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def call(self, method, params):
        with connect(self.ready["chain"], open_timeout=10) as socket:
            socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
            return json.loads(socket.recv(timeout=10))["result"]


def neurons_lite(sandbox):
    answer = sandbox.call("state_call", ["NeuronInfoRuntimeApi_get_neurons_lite", "0x" + NETUID.to_bytes(2, "little").hex()])
    found = {n.uid: n for n in NeuronInfoLite.decode_vec(bytes.fromhex(answer[2:]))}
    expected = json.loads(pathlib.Path(sandbox.ready["metagraph_file"]).read_text())["neurons"]
    assert len(found) >= len(expected), (len(found), len(expected))
    for neuron in expected:
        theirs = found[neuron["uid"]]
        hotkey = Keypair(public_key="0x" + bytes(theirs.hotkey).hex(), ss58_format=42).ss58_address
        assert hotkey == neuron["hotkey"], (hotkey, neuron)
        assert theirs.axon_info.port == neuron["port"], (theirs.axon_info.port, neuron)
        assert str(ipaddress.ip_address(theirs.axon_info.ip)) == neuron["ip"], (theirs.axon_info.ip, neuron)
        assert theirs.validator_permit == neuron["validator_permit"], neuron
        assert theirs.netuid == NETUID
    return f"{len(found)} neurons, hotkeys, axons and permits as the sandbox has them"


async def mine_by_hand(sandbox):
    """As a miner on the SDK: pulls at every validator, and skips the task with an empty result."""
    sdk_dendrite.networking.get_external_ip = lambda: "203.0.113.7"  # it would ask the internet
    key = json.loads(pathlib.Path(sandbox.ready["miner_hotkey_file"]).read_text())
    miner = Keypair.create_from_seed(key["secretSeed"])
    dendrite = bt.Dendrite(wallet=miner)
    for validator in sandbox.ready["validators"]:
        axon = bt.AxonInfo(version=1, ip=validator["ip"], port=validator["port"], ip_type=4,
                           hotkey=validator["hotkey"], coldkey="")
        pulled = await dendrite.call(target_axon=axon, synapse=PullTask(), timeout=12.0)
        assert pulled.dendrite.status_code == 200, pulled.dendrite
        assert pulled.task is not None and pulled.task.prompt, pulled
        now = time.time_ns()
        text = f"{DECLARATION}{now}{pulled.task.prompt}{validator['hotkey']}{miner.ss58_address}"
        result = SubmitResults(task=pulled.task, task_id=pulled.task.id, results="", submit_time=now,
                               signature=base64.b64encode(miner.sign(text)).decode())
        submitted = await dendrite.call(target_axon=axon, synapse=result, timeout=30.0)
        assert submitted.dendrite.status_code == 200, submitted.dendrite
        assert submitted.cooldown_until > time.time(), submitted
    await dendrite.aclose_session()
    return f"a task pulled and skipped at {len(sandbox.ready['validators'])} validators"


def unknown_call(sandbox):
    with connect(sandbox.ready["chain"], open_timeout=10) as socket:
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": "no_such_method", "params": []}))
        reply = json.loads(socket.recv(timeout=10))
    assert reply["id"] == 7 and "error" in reply, reply


def main():
    checks = Checks("sandbox")
    with Sandbox(sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/lode") as sandbox:
        checks.run("bt-decode reads the neurons of the sandbox's chain", neurons_lite, sandbox)
        checks.run("the SDK's dendrite mines at the sandbox's validators", lambda: asyncio.run(mine_by_hand(sandbox)))
        checks.run("an unknown method is a JSON-RPC error", unknown_call, sandbox)
    checks.finish()


if __name__ == "__main__":
    main()
