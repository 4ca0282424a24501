# SPDX-License-Identifier: Apache-2.0
"""A stranger's client: written from proto/PROTOCOL.md alone, with nothing but Python.

It keeps the log, draws, resumes and sends again what is not saved. person.py tells it what to do.
"""
import json, socket, struct
from wire import WebSocket, pack, unpack

BEGIN, POINTS, UNDO, REDO, CLEAR, PASS, ASK, CANCEL, TAKE = range(2, 11)
RESTORE = 13
GRANT, EVENT, RESTORED, VOID = 35, 34, 42, 45  # a frame's event has the code + EVENT, but for restore

def say(**what):
    print(json.dumps(what, default=lambda b: b.hex()), flush=True)

class Client:
    def __init__(self, args):
        self.args, self.url, self.ws, self.welcome = args, args.url, None, None
        self.conn, self.since, self.member = args.conn - 1, args.since, None
        self.log, self.base, self.told, self.checked = [], None, 0, 0  # the log holds base + 1 … applied
        self.anew = None  # from where the log is to be read once more (J11)
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
                   start, since, *([] if self.args.before else [3])])

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
            begins = max(0, event[6] - 1) if event[0] == RESTORED and event[6] is not None else self.base
            self.anew = begins if begins < self.base else self.anew
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

    def read_anew(self):
        self.close("reads anew")
        self.args.start, self.anew, self.base, self.log, self.told = self.anew, None, None, [], 0
        self.connect()

    def settle(self):  # what is saved, what is lost: rules 4 and 5
        if self.anew is not None:
            self.read_anew()
        while self.checked < self.mark:
            self.checked += 1
            event = self.log[self.checked - self.base - 1]
            if event[0] in (*range(BEGIN + EVENT, CLEAR + EVENT + 1), RESTORED, VOID):
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

    def message(self, opcode, payload):
        if opcode == 9:
            self.ws.send(payload, 10)
        elif opcode == 8:
            raise OSError(int.from_bytes(payload[:2], "big") or 1005)
        at = 0 if opcode == 2 else len(payload)
        while at < len(payload):
            frame, at = unpack(payload, at)
            self.frame(*frame)
