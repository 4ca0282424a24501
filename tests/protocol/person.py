# SPDX-License-Identifier: Apache-2.0
"""A person with the stranger's client, for tests.

person.py URL TOKEN --session HEX --instance N [--name TEXT] [--from OFFSET | --since TIME]
It reads commands from stdin and prints what it sees, both as JSON lines: see `command` and `say`.
"""
import argparse, json, os, selectors, struct, time
from client import ASK, BEGIN, CANCEL, CLEAR, EVENT, GRANT, PASS, POINTS, REDO, RESTORE, RESTORED, TAKE, UNDO, Client, say

class Person(Client):
    def picture(self):
        strokes, members, last, base = {}, {}, None, 0
        for code, offset, _, *f in self.log:
            if code == GRANT:
                members[offset], last = f[0], None
            elif code == BEGIN + EVENT:
                last = strokes[f[0], f[1]] = dict(term=f[0], tool=f[2], colour=f[3], size=f[4], flags=f[6] & 3,
                                                  bytes=f[7], shown=True, at=offset)
                last = None if f[6] & 4 else last
            elif code == POINTS + EVENT and last and last["term"] == f[0]:
                last["bytes"] += f[3]
                last = None if f[2] & 4 else last
            elif code in (UNDO + EVENT, REDO + EVENT) and strokes.get((f[2], f[3]), {"at": 0})["at"] > base:
                if members.get(f[0]) == members.get(f[2]):
                    strokes[f[2], f[3]]["shown"] = code == REDO + EVENT
            elif code == CLEAR + EVENT:
                base, last, members[f[0]] = offset, None, f[2]
            elif code == RESTORED and f[3] is not None:
                base = f[3]
        seen = [s for s in strokes.values() if s.pop("at") > base and s["shown"]]
        return [self.points(s) for s in seen if s.pop("shown")]

    @staticmethod
    def points(s):
        x = y = 0
        if (s["colour"] > 7) != (s["tool"] == 1) and s["tool"] < 2:  # not a colour of this tool
            s["colour"] = 8 * s["tool"]
        s["points"] = []
        for dx, dy, *p in struct.iter_unpack(">hhB" if s["flags"] & 1 else ">hh", s.pop("bytes")):
            x, y = x + dx, y + dy
            s["points"].append([min(max(x, 0), 32000), min(max(y, 0), 20000), *p])
        del s["points"][2000:]
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
        elif do == "restore":
            self.draw(RESTORE, with_["clear"])
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
    arg.add_argument("--before", action="store_true", help="says hello as clients did that know no features")
    Person(arg.parse_args()).run()
