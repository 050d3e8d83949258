#!/usr/bin/env python3
"""Checks Lode's wire code against the bittensor SDK: each side's dendrite against the other's axon.

Usage, from the project's root, in the virtual environment of tools/interop/run:
    tools/interop/check_wire.py [build/release/bin/wire_peer]
Exit status: 0 when all messages pass both ways and both axons answer damaged requests alike.
"""
import asyncio
import base64
import http.client
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time
from typing import Literal, Optional, Union

import bittensor as bt
import bittensor.core.dendrite as sdk_dendrite
from checks import Checks
from pydantic import BaseModel

BOB = bt.Keypair.create_from_uri("//Bob")
ALICE = bt.Keypair.create_from_uri("//Alice")
DECLARATION = (
    "I, as a miner on SN17, have obtained all licenses, rights and consents required to use, reproduce, modify, "
    "display, distribute and make available my submitted results to this subnet and its end users"
)


class TextTask(BaseModel):
    type: Literal["text"] = "text"
    id: str = ""
    prompt: str = ""


class ImageTask(BaseModel):
    type: Literal["image"] = "image"
    id: str = ""
    prompt: str = ""


class Feedback(BaseModel):
    validation_failed: bool = False
    task_fidelity_score: float = 0.0
    average_fidelity_score: float = 0.0
    generations_within_the_window: int = 0
    current_duel_rating: float = 0.0
    current_miner_reward: float = 0.0


class PullTask(bt.Synapse):
    task: Optional[Union[TextTask, ImageTask]] = None
    validation_threshold: float = 0.6
    throttle_period: int = 0
    cooldown_until: int = 0
    cooldown_violations: int = 0


class SubmitResults(bt.Synapse):
    task: Optional[Union[TextTask, ImageTask]] = None
    task_id: str = ""
    results: str
    data_format: str = "ply"
    data_ver: int = 0
    compression: int = 2
    submit_time: int
    signature: str
    feedback: Optional[Feedback] = None
    cooldown_until: int = 0


class GetVersion(bt.Synapse):
    version: int = 0
    validation_version: str = ""


class Peer:
    """Lode's side, one JSON line a call."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()

    def call(self, action, **order):
        with self.lock:
            self.process.stdin.write(json.dumps({"do": action, **order}) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())


class WalletOf:
    """As much of a wallet as an axon asks for."""

    def __init__(self, keypair):
        self.hotkey = self.coldkeypub = keypair


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def result_text(submit_time, prompt):
    return f"{DECLARATION}{submit_time}{prompt}{BOB.ss58_address}{ALICE.ss58_address}"


class SdkAxon:
    """The SDK's axon with handlers that keep what they got."""

    def __init__(self):
        self.port = free_port()
        self.task = None
        self.seen = None
        self.axon = bt.Axon(wallet=WalletOf(BOB), port=self.port, ip="127.0.0.1", external_ip="127.0.0.1")

        def pull(synapse: PullTask) -> PullTask:
            self.seen = synapse.model_copy(deep=True)
            synapse.task, synapse.throttle_period, synapse.cooldown_until = self.task, 30, 5
            return synapse

        def submit(synapse: SubmitResults) -> SubmitResults:
            self.seen = synapse.model_copy(deep=True)
            text = f"{DECLARATION}{synapse.submit_time}{synapse.task.prompt}{synapse.axon.hotkey}{synapse.dendrite.hotkey}" \
                if synapse.task and synapse.axon and synapse.dendrite else ""
            is_signed = ALICE.verify(text, base64.b64decode(synapse.signature, validate=True))
            synapse.feedback = Feedback(task_fidelity_score=0.9 if is_signed else 0.0)
            synapse.cooldown_until, synapse.results, synapse.signature = 77, "", ""
            return synapse

        def version(synapse: GetVersion) -> GetVersion:
            synapse.version, synapse.validation_version = 45, '"2.4.0"'
            return synapse

        for handler in (pull, submit, version):
            self.axon.attach(forward_fn=handler)
        self.axon.start()
        self.await_port()

    def await_port(self):
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError("the SDK's axon does not listen")

    def send(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(request["method"], request["target"], body=request["body"].encode(),
                           headers=dict(request["headers"]))
        response = connection.getresponse()
        return {"status": response.status, "body": response.read().decode()}


def expect(actual, expected, what):
    assert actual == expected, f"{what}: {actual!r}, expected {expected!r}"


def check_lode_dendrite(peer, sdk):
    """Lode asks, the SDK's axon answers."""
    for task in (TextTask(id="t-1", prompt='a "red" café ☃'), ImageTask(id="t-2", prompt="aGk="), None):
        sdk.task = task
        response = sdk.send(peer.call("write_request", message="PullTask"))
        reply = peer.call("read_reply", message="PullTask", **response)
        expect(reply, {"task": task and task.model_dump(), "validation_threshold": 0.6, "throttle_period": 30,
                       "cooldown_until": 5, "cooldown_violations": 0}, "pull reply")
        expect(sdk.seen.dendrite.hotkey, ALICE.ss58_address, "hotkey in the body")
        if task is None:
            continue
        request = peer.call("write_request", message="SubmitResults", task=task.model_dump(), results="AAAA" * 1000)
        reply = peer.call("read_reply", message="SubmitResults", **sdk.send(request))
        expect(reply, {"task_fidelity_score": 0.9, "cooldown_until": 77}, "submit reply")
        expect((sdk.seen.task, sdk.seen.task_id), (task, task.id), "task of the submission")
    response = sdk.send(peer.call("write_request", message="GetVersion"))
    expect(peer.call("read_reply", message="GetVersion", **response),
           {"version": 45, "validation_version": '"2.4.0"'}, "version reply")


def serve_with(peer):
    """Lode's axon behind Python's HTTP server; the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            answer = peer.call("serve", method="POST", target=self.path, headers=list(self.headers.items()), body=body)
            self.send_response(answer["status"])
            for name, value in answer["headers"] + [["content-length", str(len(answer["body"].encode()))]]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer["body"].encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


async def check_lode_axon(port):
    """The SDK's dendrite asks, Lode answers."""
    sdk_dendrite.networking.get_external_ip = lambda: "203.0.113.7"  # it would ask the internet
    target = bt.AxonInfo(version=1, ip="127.0.0.1", port=port, ip_type=4, hotkey=BOB.ss58_address, coldkey="")
    dendrite = bt.Dendrite(wallet=ALICE)
    pulled = await dendrite.call(target_axon=target, synapse=PullTask(), timeout=12.0)
    expect((pulled.dendrite.status_code, pulled.task, pulled.throttle_period, pulled.cooldown_until),
           (200, ImageTask(id="id-9", prompt="aGk="), 30, 7), "pull at Lode's axon")
    now = time.time_ns()
    signature = base64.b64encode(ALICE.sign(result_text(now, "a cup"))).decode()
    submission = SubmitResults(task_id="id-9", results="AAAA", submit_time=now, signature=signature)
    submitted = await dendrite.call(target_axon=target, synapse=submission, timeout=300.0)
    expect((submitted.dendrite.status_code, submitted.feedback.task_fidelity_score, submitted.cooldown_until,
            submitted.results), (200, 0.75, 99, ""), "submission at Lode's axon")
    version = await dendrite.call(target_axon=target, synapse=GetVersion(), timeout=12.0)
    expect((version.version, version.validation_version), (45, '"2.4.0"'), "version at Lode's axon")
    await dendrite.aclose_session()


NONCE, UUID = "bt_header_dendrite_nonce", "bt_header_dendrite_uuid"
SIGNATURE, HOTKEY = "bt_header_dendrite_signature", "bt_header_dendrite_hotkey"
INPUT = "bt_header_input_obj_"

# (message, header to change, new value or None to remove it)
HEADER_DAMAGES = [
    ("PullTask", NONCE, "x"), ("PullTask", NONCE, None), ("PullTask", NONCE, "1757400000123456789"),
    ("PullTask", HOTKEY, None), ("PullTask", HOTKEY, "5abc"), ("PullTask", HOTKEY, BOB.ss58_address),
    ("PullTask", SIGNATURE, None), ("PullTask", SIGNATURE, "0x" + "12" * 64), ("PullTask", SIGNATURE, "0x12"),
    ("PullTask", SIGNATURE, "hello"), ("PullTask", UUID, None), ("PullTask", UUID, "other"),
    ("PullTask", "computed_body_hash", None), ("PullTask", "timeout", None), ("PullTask", "timeout", "soon"),
    ("PullTask", "bt_header_dendrite_version", "9.9"), ("PullTask", "bt_header_dendrite_version", None),
    ("PullTask", "header_size", "x"), ("PullTask", "header_size", None), ("PullTask", "bt_header_axon_port", "1.5"),
    ("PullTask", "Content-Type", "text/plain"), ("PullTask", "Content-Type", None),
    ("SubmitResults", INPUT + "results", None), ("SubmitResults", INPUT + "results", "%%%"),
    ("SubmitResults", INPUT + "results", "e30="), ("SubmitResults", INPUT + "submit_time", "IiI="),
]

BODY_DAMAGES = [
    ("PullTask", body) for body in (
        "{", "", "[]", "null", '{"dendrite":{"hotkey":"x"}}', '{"axon":null,"dendrite":null}', '{"task":{}}',
        '{"task":{"type":"video"}}', '{"task":{"type":null}}', '{"throttle_period":"12"}', '{"throttle_period":12.0}',
        '{"throttle_period":1.5}', '{"throttle_period":null}', '{"throttle_period":true}', '{"throttle_period":"12.0"}',
        '{"throttle_period":" +12 "}', '{"throttle_period":"12."}', '{"throttle_period":".0"}',
        '{"throttle_period":"1e3"}', '{"validation_threshold":"0.5"}', '{"validation_threshold":[]}',
        '{"dendrite":"x"}', '{"dendrite":{"hotkey":5}}', '{"dendrite":{"port":"5"}}', '{"dendrite":{"port":"x"}}',
        '{"dendrite":{"nonce":12.5}}', '{"timeout":null}', '{"timeout":"x"}', '{"name":5}',
        '{"computed_body_hash":null}', '{"total_size":null}', '{"unknown":{"a":[1]}}')
] + [
    ("SubmitResults", "{" + fields + "}") for fields in (
        '"submit_time":1,"signature":""', '"results":"","signature":""', '"results":"","submit_time":1',
        '"results":null,"submit_time":1,"signature":""', '"results":"","submit_time":1.5,"signature":""')
]


def damaged_requests(peer):
    """(what was damaged, request)"""

    def fresh(message):
        return peer.call("write_request", message=message, task=TextTask(id="t", prompt="a cup").model_dump(),
                         results="AAAA")

    for message, name, value in HEADER_DAMAGES:
        request = fresh(message)
        request["headers"] = [header for header in request["headers"] if header[0] != name]
        request["headers"] += [[name, value]] if value is not None else []
        yield f"{message} {name}={value}", request
    for message, body in BODY_DAMAGES:
        yield f"{message} {body}", {**fresh(message), "body": body}
    for target in ("/", "/Nothing", "/PullTask/more"):
        yield target, {**fresh("PullTask"), "target": target}
    for method in ("PUT", "DELETE", "GET"):
        yield method, {**fresh("PullTask"), "method": method}
    replayed = fresh("PullTask")
    yield "first use", replayed
    yield "replay", replayed


def check_damaged_requests(peer, sdk):
    """Both axons answer alike; how many requests were compared."""
    count = 0
    for what, request in damaged_requests(peer):
        expect(peer.call("serve", **request)["status"], sdk.send(request)["status"], what)
        count += 1
    return count


def main():
    peer = Peer(sys.argv.pop(1) if len(sys.argv) > 1 else str(pathlib.Path("build/release/bin/wire_peer")))
    bt.logging.off()
    checks = Checks("wire")
    sdk = SdkAxon()
    try:
        checks.run("the SDK's axon answers lode's three messages", check_lode_dendrite, peer, sdk)
        checks.run("lode's axon answers the SDK's three messages", lambda: asyncio.run(check_lode_axon(serve_with(peer))))
        checks.run("both axons answer odd requests alike",
                   lambda: f"{check_damaged_requests(peer, sdk)} requests")
    finally:
        sdk.axon.stop()
    checks.finish()


if __name__ == "__main__":
    main()
