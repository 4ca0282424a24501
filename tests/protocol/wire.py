# SPDX-License-Identifier: Apache-2.0
"""What a library would give a client: msgpack as far as Easel uses it, and a WebSocket."""
import base64, hashlib, os, socket, struct, time
from urllib.parse import urlsplit

# ---- msgpack ------------------------------------------------------------------------------------
LONG = {0xC4: (bytes, 1), 0xC5: (bytes, 2), 0xD9: (str, 1), 0xDA: (str, 2), 0xDC: (list, 2)}  # size of the length

def pack(v):
    if v is None:
        return b"\xc0"
    if isinstance(v, int):
        size = next(s for s in range(4) if v < 1 << (8 << s))
        return bytes([v]) if v < 128 else bytes([0xCC + size]) + v.to_bytes(1 << size, "big")
    raw = v.encode() if isinstance(v, str) else v if isinstance(v, bytes) else b"".join(map(pack, v))
    n = len(v if isinstance(v, list) else raw)
    if isinstance(v, list) and n < 16 or isinstance(v, str) and n < 32:
        return bytes([(0x90 if isinstance(v, list) else 0xA0) + n]) + raw
    code, size = next((c, s) for c, (kind, s) in LONG.items() if isinstance(v, kind) and n < 1 << 8 * s)
    return bytes([code]) + n.to_bytes(size, "big") + raw

def unpack(data, at=0):  # -> (value, where it ends)
    c, at = data[at], at + 1
    if c < 0x80 or c == 0xC0:
        return None if c == 0xC0 else c, at
    if 0xCC <= c <= 0xCF:
        return int.from_bytes(data[at:at + (1 << c - 0xCC)], "big"), at + (1 << c - 0xCC)
    kind, n = (list, c & 15) if c >> 4 == 9 else (str, c & 31) if c >> 5 == 5 else (None, 0)
    if not kind:
        kind, size = LONG[c]
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    if kind is not list:
        return data[at:at + n] if kind is bytes else data[at:at + n].decode(), at + n
    items = []
    for _ in range(n):
        item, at = unpack(data, at)
        items.append(item)
    return items, at

# ---- WebSocket ----------------------------------------------------------------------------------
class WebSocket:
    def __init__(self, url):
        at, key = urlsplit(url), base64.b64encode(os.urandom(16)).decode()
        self.sock = socket.create_connection((at.hostname, at.port or 80), 10)
        self.sock.sendall((f"GET /ws HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Protocol: easel.v1\r\n\r\n").encode())
        self.got = b""
        while b"\r\n\r\n" not in self.got:
            part = self.sock.recv(4096)
            if not part:
                raise OSError("the handshake was refused")
            self.got += part
        answer, self.got = self.got.split(b"\r\n\r\n", 1)
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        if b" 101 " not in answer.split(b"\r\n")[0] or accept not in answer:
            raise OSError(answer.split(b"\r\n")[0].decode())
        self.sock.setblocking(False)
        self.out, self.heard = b"", time.monotonic()

    def send(self, payload, opcode=2):
        n, mask = len(payload), os.urandom(4)
        head = bytes([128 | n]) if n < 126 else struct.pack(">BH", 254, n)  # no message has 2^16 bytes
        self.out += bytes([128 | opcode]) + head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))

    def flush(self):
        if self.out:
            self.out = self.out[self.sock.send(self.out):]

    def receive(self):  # the messages that came: (opcode, payload)
        part = self.sock.recv(1 << 16)
        if not part:
            raise OSError("ended")
        self.got, self.heard = self.got + part, time.monotonic()
        while len(self.got) >= 2:
            n, at = self.got[1] & 127, 2
            if n >= 126:
                at = 4 if n == 126 else 10
                n = int.from_bytes(self.got[2:at], "big") if len(self.got) >= at else 1 << 62
            if len(self.got) < at + n:
                return
            opcode, payload, self.got = self.got[0] & 15, self.got[at:at + n], self.got[at + n:]
            yield opcode, payload
