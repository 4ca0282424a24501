# SPDX-License-Identifier: Apache-2.0
"""A stranger's client: written from proto/PROTOCOL.md alone, with nothing but Python.

client.py URL TOKEN --session HEX --instance N [--name TEXT] [--from OFFSET | --since TIME]
It reads commands from stdin and prints what it sees, both as JSON lines: see `command` and `say`.
"""
import argparse, base64, hashlib, json, os, selectors, socket, struct, sys, time
from urllib.parse import urlsplit

BEGIN, POINTS, UNDO, REDO, CLEAR, PASS, ASK, CANCEL, TAKE = range(2, 11)
GRANT, EVENT = 35, 34  # a frame's event has the frame's code + EVENT

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

# ---- the client ---------------------------------------------------------------------------------
def say(**what):
    print(json.dumps(what, default=lambda b: b.hex()), flush=True)

class Client:
    def __init__(self, args):
        self.args, self.url, self.ws, self.welcome = args, args.url, None, None
        self.conn, self.since, self.member = args.conn - 1, args.since, None
        self.log, self.base, self.told, self.checked = [], None, 0, 0  # the log holds base + 1 … applied
        self.unsaved, self.lost, self.cseq, self.shown = {}, [], {}, None  # unsaved: (term, cseq): frame

    applied = property(lambda self: (self.base or 0) + len(self.log))
    mark = property(lambda self: min(self.told, self.applied))

    def connect(self):
        fresh, since = self.base is None, self.since
        if not fresh:
            self.cut(0)
        self.conn, self.welcome, self.since, self.ws = self.conn + 1, None, None, WebSocket(self.url)
        start = None if since is not None else self.args.start if fresh else self.applied
        self.send([1, self.args.token, bytes.fromhex(self.args.session), self.args.instance, self.conn, self.args.name,
                   start, since])

    def close(self, code):
        if self.ws:
            self.ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # at once
            self.ws.sock.close()
            self.ws, self.welcome = None, None
            say(closed=code)

    def send(self, *frames):
        for i in range(0, len(frames) if self.ws else 0, 12):
            self.ws.send(b"".join(map(pack, frames[i:i + 12])))

    def cut(self, to):  # rule 2
        del self.log[max(0, max(to, self.mark) - self.base):]
        self.told = min(self.told, self.applied)

    def term(self):  # the term whose drawer this is, or 0: rule 3
        grant = next((e for e in reversed(self.log) if e[0] == GRANT), None)
        ours = grant and grant[3] == self.member and grant[4] == self.args.instance and grant[1] <= self.mark
        return grant[1] if ours else 0

    def add(self, event):  # rule 1
        if event[1] == self.applied + 1:
            self.log.append(event)
            say(event=event)
        elif event[1] > self.applied:
            raise OSError(f"event {event[1]} after {self.applied}")

    def frame(self, code, *f):
        if code == 64:
            self.welcome, self.member = f, f[2]
            say(welcome=f)
            if self.base is None:
                self.base = self.checked = f[7]
            self.told = max(self.told, f[6])
            self.send(*self.unsaved.values())
        elif code == 65:
            term, offset, cseq, count = f[:4]
            for i in range(max(0, self.applied + 1 - offset), count):
                mine = self.unsaved[term, cseq + i]
                self.add([mine[0] + EVENT, offset + i, None, *mine[1:], *([self.member] if mine[0] == CLEAR else [])])
            say(own=f)
        elif code == 66:
            self.told = max(self.told, f[1])
            say(told=f)
        elif code == 67:
            self.cut(f[0])
            say(cut=f[0])
        elif 32 <= code < 64:
            self.add([code, *f])
        elif code in (68, 69, 70):
            say(**{("state", "error", "goaway")[code - 68]: f})

    def settle(self):  # what is saved, what is lost: rules 4 and 5
        while self.checked < self.mark:
            self.checked += 1
            event = self.log[self.checked - self.base - 1]
            if event[0] in range(BEGIN + EVENT, CLEAR + EVENT + 1):
                self.unsaved.pop((event[3], event[4]), None)
            if event[0] == GRANT:
                for (term, n), frame in list(self.unsaved.items()):
                    if term < event[1]:
                        del self.unsaved[term, n]
                        if term != event[6] or n > event[7]:
                            self.lost.append([term, n])
        now = dict(applied=self.applied, mark=self.mark, told=self.told, drawer=self.term(), lost=self.lost[:],
                   unsaved=len(self.unsaved), joined=self.welcome is not None)
        if now != self.shown:
            self.shown = now
            say(now=now)

    def draw(self, code, *fields):
        term = self.term()
        if not term or len(self.unsaved) >= 4000 or sum(map(len, map(pack, self.unsaved.values()))) > 512 * 1024:
            return say(refused=code)
        n = self.cseq[term] = self.cseq.get(term, 0) + 1
        self.unsaved[term, n] = [code, term, n, *fields]
        if self.welcome:
            self.send(self.unsaved[term, n])

    def stroke(self, points, frames=1, tool=0, colour=0, size=60, open=False):
        pressure, x, y, parts = len(points[0]) > 2, 0, 0, [b""] * frames
        for i, p in enumerate(points):
            parts[i * frames // len(points)] += struct.pack(">hh", p[0] - x, p[1] - y) + bytes(p[2:3])
            x, y = p[0], p[1]
        for i, part in enumerate(parts):
            end = 0 if open or i < frames - 1 else 4
            self.draw(*((POINTS, end, part) if i else (BEGIN, tool, colour, size, 1, pressure + end, part)))

    def picture(self):
        strokes, members, last = {}, {}, None
        for code, offset, _, *f in self.log:
            if code == GRANT:
                members[offset], last = f[0], None
            elif code == BEGIN + EVENT:
                last = strokes[f[0], f[1]] = dict(term=f[0], tool=f[2], colour=f[3], size=f[4], flags=f[6] & 3,
                                                  bytes=f[7], shown=True)
                last = None if f[6] & 4 else last
            elif code == POINTS + EVENT and last and last["term"] == f[0]:
                last["bytes"] += f[3]
                last = None if f[2] & 4 else last
            elif code in (UNDO + EVENT, REDO + EVENT) and (f[2], f[3]) in strokes:
                if members.get(f[0]) == members.get(f[2]):
                    strokes[f[2], f[3]]["shown"] = code == REDO + EVENT
            elif code == CLEAR + EVENT:
                strokes, last, members[f[0]] = {}, None, f[2]
        return [self.points(s) for s in strokes.values() if s.pop("shown")]

    @staticmethod
    def points(s):
        x = y = 0
        s["points"] = []
        for dx, dy, *p in struct.iter_unpack(">hhB" if s["flags"] & 1 else ">hh", s.pop("bytes")):
            x, y = x + dx, y + dy
            s["points"].append([x, y, *p])
        return s

    def command(self, do, **with_):
        if do in ("ask", "cancel", "take"):
            self.send([{"ask": ASK, "cancel": CANCEL, "take": TAKE}[do]])
        elif do == "stroke":
            self.stroke(**with_)
        elif do in ("undo", "redo"):
            self.draw(UNDO if do == "undo" else REDO, *with_["stroke"])
        elif do == "clear":
            self.draw(CLEAR)
        elif do == "pass":
            self.draw(PASS, with_["to"])
        elif do == "send":  # any frame, right or wrong; {"hex": …} stands for bytes
            self.send([bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in with_["frame"]])
        elif do == "drop":
            if self.ws:
                self.ws.flush()  # some of it may arrive
            self.close("dropped")
        elif do == "resume":
            self.close("left")
            self.url, self.since = with_.get("url", self.url), with_.get("since")
            self.connect()
        elif do == "echo":  # all commands before it are done
            self.settle()
            say(echo=True)
        elif do == "show":
            say(log=self.log, picture=self.picture())

    def run(self):
        self.connect()
        typed = b""
        while True:
            self.settle()
            if self.ws and time.monotonic() - self.ws.heard > 10:
                self.close("silent")
            with selectors.DefaultSelector() as ready:
                ready.register(0, selectors.EVENT_READ)
                if self.ws:
                    ready.register(self.ws.sock, selectors.EVENT_READ | (2 if self.ws.out else 0))
                which = {key.fd for key, mask in ready.select(1) if mask & selectors.EVENT_READ}
            if 0 in which:
                part = os.read(0, 1 << 16)
                if not part:
                    return
                *lines, typed = (typed + part).split(b"\n")
                for line in lines:
                    self.command(**json.loads(line))
            try:
                if self.ws and self.ws.sock.fileno() in which:
                    for opcode, payload in self.ws.receive():
                        self.message(opcode, payload)
                if self.ws:
                    self.ws.flush()
            except BlockingIOError:
                pass  # later
            except OSError as error:
                self.close(str(error))

    def message(self, opcode, payload):
        if opcode == 9:
            self.ws.send(payload, 10)
        elif opcode == 8:
            raise OSError(int.from_bytes(payload[:2], "big") or 1005)
        at = 0 if opcode == 2 else len(payload)
        while at < len(payload):
            frame, at = unpack(payload, at)
            self.frame(*frame)

if __name__ == "__main__":
    arg = argparse.ArgumentParser()
    for name in ("url", "token"):
        arg.add_argument(name)
    arg.add_argument("--session", required=True)
    arg.add_argument("--instance", type=int, required=True)
    arg.add_argument("--conn", type=int, default=1)
    arg.add_argument("--name", default="A stranger")
    arg.add_argument("--from", dest="start", type=int)
    arg.add_argument("--since", type=int)
    Client(arg.parse_args()).run()
