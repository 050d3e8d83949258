"""A generation service without the work: the same splat for every task, at once or after a while."""
import http.server
import math
import struct
import threading
import time

GAUSSIANS = 8000  # validators want 7000


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
    """The base miner's routes."""
    protocol_version = "HTTP/1.1"
    ply = splat()
    seconds = 0.0

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"{}")

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.seconds)
        self.answer(self.ply)

    def log_message(self, *_):
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a miner that dies or gives a task up hangs up in the middle of an answer


def start(seconds=0.0):
    """A running server; its URL is http://127.0.0.1:<server_port>."""
    Stub.seconds = seconds
    server = QuietServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
