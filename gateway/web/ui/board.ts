// SPDX-License-Identifier: Apache-2.0
//
// The board page: joins its parts. The model and the connection know the truth; once a frame (and four
// times a second, for what depends on time) each part shows what differs.
import { Painter } from "../ink/painter.ts";
import { Client } from "../net/client.ts";
import { translate, words } from "../strings/words.ts";
import { isForeign, type Refusal } from "./answers.ts";
import { isCrowded, service, socket, update as loadNewer, watchToken, whyNoToken } from "./api.ts";
import { Awake } from "./awake.ts";
import { setUpBare, toggleBare } from "./bare.ts";
import { parseCode } from "./code.ts";
import { Crosshair } from "./crosshair.ts";
import { forget, freshSession, known, myName, remember, sessionBytes, setSwitch, switchedOn } from "./device.ts";
import { disclose } from "./disclosure.ts";
import { $, button, setText, show } from "./dom.ts";
import { betterOf, boardOf, keptOf, tokensFor } from "./entry.ts";
import { evenWidth, setUpHelp } from "./help.ts";
import { listenToKeys } from "./keys.ts";
import { Lookout } from "./lookout.ts";
import { Margin } from "./margin.ts";
import { Notices } from "./notices.ts";
import { Palette } from "./palette.ts";
import { cleanName, tellApart } from "./names.ts";
import { DRAW, nameOf, OWN, WATCH } from "./pen-view.ts";
import { PointerRing } from "./pointer.ts";
import { ask, updateQuestion } from "./question.ts";
import { Picture } from "./picture.ts";
import { Rules } from "./rules.ts";
import { openShare, watchLinkOf } from "./share.ts";
import { Stage } from "./stage.ts";
import { StatusView } from "./status.ts";

const TICK_MS = 250;
const ASK_AGAIN_MS = 8_000;
const NEW_HEAD = 2; // of a board that was made and opened, and nothing besides
const STATUS_ICONS = { good: "good", calm: "wait", warn: "warn", bad: "warn" };

translate();
const board = boardOf(location.pathname);
const before = known(board);
const kept = keptOf(history.state, board);
const tokens = tokensFor(location.hash.slice(1), kept, before);
const session = before?.session ?? kept?.session ?? freshSession();
const client = new Client({
  token: tokens[0] ?? "none", // refused with the right words
  others: tokens.slice(1),
  board,
  session: sessionBytes(session),
  name: myName(),
  open: socket,
  hidden: () => document.hidden,
  service,
  foreign: async () => isForeign(await watchToken(board)),
  crowded: isCrowded,
});
const painter = new Painter(client.board, $<HTMLCanvasElement>("live"));
const stage = new Stage(client, painter);
const crosshair = new Crosshair(stage);
const pointer = new PointerRing(client, stage);
const lookout = new Lookout(stage, client.board, pointer);
const palette = new Palette(client);
const margin = new Margin(client);
const notices = new Notices(client);
const rules = new Rules(client, board);
new Picture(client.board);
const statusView = new StatusView();
const awake = new Awake();

const drawing = (): boolean => client.term !== 0 && client.end === null;
const couldDraw = (): boolean => client.phase === "live" && client.role !== WATCH && !drawing();
const mayAsk = (): boolean => couldDraw() && (client.role === OWN || !client.penIsGiven);

// ---- once a frame ------------------------------------------------------------------------------

let broken = false; // which is being told
let frame = 0;
let version = -1;
let seen = 0; // strokes that can be seen
let labelled = "";

function update(): void {
  frame = 0;
  updateQuestion();
  showEnding();
  if (ending || broken) return;
  const draws = drawing();
  palette.update(draws, client.board.member ? client.role : (before?.role ?? DRAW));
  stage.update(draws);
  lookout.update(draws);
  crosshair.update(draws);
  pointer.update(draws);
  awake.update(client.state !== null && client.state.holder !== "");
  margin.update();
  rules.update();
  showStatus();
  if (client.board.version !== version) {
    version = client.board.version;
    seen = client.board.strokes.filter(({ undone, joined, before }) => !undone && !(joined && before && !before.undone)).length;
  }
  showBoard();
}

function changed(): void {
  painter.request();
  frame ||= requestAnimationFrame(update);
}

function showBoard(): void {
  const { state } = client;
  const holder = state?.members.find((member) => member.member === state.holder);
  const sentence = drawing() ? words.youHavePen : holder ? words.draws(nameOf(holder)) : words.nobodyDraws;
  const label = words.whiteboard(seen, sentence);
  if (label !== labelled) $("board").setAttribute("aria-label", (labelled = label));
  const role = drawing() ? "application" : "img";
  if (role !== $("board").getAttribute("role")) {
    $("board").setAttribute("role", role);
    if (drawing()) $("board").setAttribute("aria-describedby", "boardKeys");
    else $("board").removeAttribute("aria-describedby");
  }
  const ready = client.board.member !== "" && client.board.applied >= client.board.head;
  show($("hint"), ready && seen === 0 && !client.board.open);
  setText($("hint"), stage.mayDraw() ? words.drawHere : stage.mayTake() ? words.takeToDraw : words.nothingYet);
  const name = cleanName(client.board.name);
  setText($("boardName"), name || words.easel);
  $("boardName").classList.toggle("unseen", name === "");
  const title = name ? `${name} – ${words.easel}` : words.easel;
  if (document.title !== title) document.title = title;
}

function showStatus(): void {
  const status = statusView.of(client, navigator.onLine, performance.now());
  notices.update(status);
  const chip = $("status");
  setText(chip.querySelector("span")!, status.text);
  show(chip.querySelector("button")!, status.act !== null);
  if (status.act) setText(chip.querySelector("button")!, words[status.act]);
  if (chip.dataset["level"] === status.level) return;
  chip.dataset["level"] = status.level;
  if (status.level === "good") chip.dataset["short"] = words.liveShort;
  chip.querySelector("use")!.setAttribute("href", `#i-${STATUS_ICONS[status.level]}`);
}

// ---- instead of the board ----------------------------------------------------------------------

let ending = "";

function showEnding(): void {
  const refused = refusal ? whyNoToken(refusal) : "";
  const barred = refused || (client.crowded ? "crowded" : client.foreign ? "foreign" : client.blocked ? "blocked" : "");
  const nothingToSee = client.board.member === "";
  const now = client.end ?? (client.full ? "full" : client.closed ? "closed" : nothingToSee ? barred : "");
  if (now === ending) return;
  ending = now;
  if (ending === "outdated") return loadNewer();
  if (ending === "notfound") forget(board);
  document.body.classList.toggle("ended", ending !== "");
  show($("board"), ending === "");
  show($("card"), ending !== "");
  if (ending === "") return;
  const waits = ["full", "closed", "crowded", "blocked", "foreign", refused].includes(ending); // and tries again
  const start = button(words.startPage, goToStart, waits ? "" : "primary");
  const reload = button(words.reload, () => location.reload(), "primary");
  const again = button(words.tryNow, tryNow, "primary");
  const here = button(words.useHere, () => client.useHere(), "primary");
  const cards: Record<string, [string, HTMLElement[]]> = {
    full: [client.seats ? words.full(client.seats) : words.fullUnknown, [again, start]],
    closed: [words.doorClosed, [again, start]],
    removed: [words.removedYou, [start]],
    linkended: [words.linkEnded, [start]],
    crowded: [words.crowded, [again, start]],
    blocked: [words.blocked, [again, start]],
    foreign: [words.foreign, [again, start]],
    forbidden: [words.forbidden, [start]],
    notfound: [client.board.deleted || before?.last ? words.deleted : words.notFound, [start]],
    replaced: [words.replaced, [here]],
    crash: [words.crash, [reload]],
  };
  const [text, buttons] = cards[ending] ?? [refused, [again, start]]; // a refusal is named by its text
  setText($("cardText"), text);
  $("cardButtons").replaceChildren(...buttons);
  $("card").focus(); // what had the focus is gone, and so the card is read out
  stage.finish();
}

// ---- coming and going --------------------------------------------------------------------------

let refusal: Refusal | null = null; // of the token that we asked for last
let askAgain: ReturnType<typeof setTimeout> | undefined; // while it stands

/** Who comes with nothing but the code of the board may watch. */
async function comeByCode(): Promise<void> {
  const token = parseCode(board) ? await watchToken(board) : "none";
  refusal = typeof token === "string" ? null : token;
  if (typeof token === "string") {
    client.token = token;
    client.start();
  } else if (token.status === 404) {
    client.notFound();
  } else {
    askAgain = setTimeout(tryNow, token.status === 429 ? token.waitS * 1000 : ASK_AGAIN_MS);
    changed();
  }
}

/** Instead of at the end of the wait. */
function tryNow(): void {
  if (!askAgain) return client.tryNow();
  clearTimeout(askAgain);
  askAgain = undefined;
  void comeByCode();
}

/** The service knows us at this board: only now is there something to remember. */
function welcomed(head: number): void {
  const { role, token } = client;
  const now = known(board); // another tab may have come meanwhile
  remember(board, { ...betterOf(now, token, role, tokens), session: now?.session ?? session, name: client.board.name, last: Date.now() });
  $<HTMLButtonElement>("shareButton").disabled = false;
  show($("keep"), role === OWN && before?.fresh === true);
  if (before?.fresh && head <= NEW_HEAD) client.ask(); // who makes a board has its pen
  void showAddress(role, token);
}

/** The address is one to give away: without a token, it is the code of the board; with one, a link for
 *  watching. What opened the board stays with this tab. */
async function showAddress(role: number, token: string): Promise<void> {
  const show = (fragment: string): void =>
    history.replaceState({ ...history.state, board, token, session }, "", `/b/${board}${fragment}`);
  if (role !== WATCH) show("");
  const watch = await watchLinkOf(board, role, token);
  if (watch) show(`#${watch}`);
}

function goToStart(): void {
  client.leave();
  location.assign("/");
}

// ---- what happens ------------------------------------------------------------------------------

let arrived = false;
const upright = matchMedia("(max-width: 37.49em) and (orientation: portrait) and (pointer: coarse)"); // a phone

client.onChange = changed;
client.onLost = (strokes, setBack) => notices.lost(strokes, setBack);
client.onToken = (token) => {
  if (known(board)) remember(board, { token, links: {} });
  void showAddress(OWN, token);
};
client.deeds.onFailed = () => notices.show(words.deedFailed);
client.onMessage = (message) => {
  if (message.kind === "welcome" && document.hidden) client.away(true);
  if (message.kind === "welcome" && !arrived) {
    arrived = true;
    welcomed(message.head);
    if (upright.matches && !switchedOn("turned")) {
      notices.show(words.turnPhone);
      setSwitch("turned", true);
    }
  }
  if (message.kind === "error" && message.code === "refused") notices.show(words.refusedYou);
  if (message.kind === "state") tellApart(message.members);
  if (message.kind === "pointer_at") pointer.told(message);
  const now = client.board.applied >= client.board.head; // and not what was before we came
  if (message.kind === "ev_clear" && now) notices.say(words.cleared(nameOf(client.members.find(({ member }) => member === message.member))));
  if (message.kind === "ev_undo" && now) notices.say(words.undone);
  if (message.kind === "ev_restore" && message.start !== null && now) notices.say(words.restored);
};

crosshair.onSay = (text) => notices.say(text);
stage.mayDraw = () => drawing() && client.paused === null;
stage.style = () => ({ ...palette.style, even: evenWidth() });
stage.mayTake = () => mayAsk() && client.state?.holder === "" && client.members.every(({ line }) => line === 0);
stage.onTake = () => client.ask();
stage.onVain = () => {
  const holder = client.members.find(({ member }) => member === client.state?.holder);
  if (mayAsk() && holder && holder.member !== client.board.member) notices.show(words.askToDraw(nameOf(holder)));
  else if (couldDraw() && !mayAsk()) notices.show(words.penIsGiven);
};
stage.eraser = () => palette.eraser;
palette.dropStroke = () => {
  const { drawing } = stage;
  if (drawing) stage.drop();
  return drawing;
};
palette.onChange = changed;
palette.onUndo = (clear) => notices.say(clear ? words.restored : words.undone);
palette.onClear = async () => {
  const { term } = client;
  const applies = (): boolean => drawing() && client.term === term && client.paused === null;
  if (!(await ask(words.clearQuestion, words.clear, words.keep, applies))) return;
  client.clear();
  notices.say(words.clearedByYou);
};
margin.onTakeFrom = async (name) => {
  const holder = client.state?.holder;
  const applies = (): boolean => client.phase === "live" && client.state?.holder === holder;
  if (await ask(words.takeQuestion(name), words.takePen, words.cancel, applies)) client.take();
};

/** On a wide screen they stay in sight where one wants that, also the next time. */
function showPeople(): void {
  const stays = (): boolean => matchMedia("(min-width: 64em) and (min-height: 32.51em)").matches;
  const set = disclose($("peopleButton"), $("peoplePanel"), { stays });
  if (stays()) set(switchedOn("people"));
  $("peoplePanel").addEventListener("toggle", () => stays() && setSwitch("people", $("peoplePanel").classList.contains("open")));
}

function fullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen?.();
}

show($("fullButton"), document.fullscreenEnabled === true);
$("fullButton").onclick = fullScreen;
$("skip").onclick = (event) => {
  event.preventDefault(); // the address keeps its token
  $("board").focus();
};
$("shareButton").onclick = () => void openShare(board, client.role, client.token, client.deeds);
function linkIsKept(): void {
  show($("keep"), false);
  if (known(board)) remember(board, { fresh: false });
}
$("keepLater").onclick = linkIsKept;
$("keepCopy").onclick = () => {
  linkIsKept();
  void openShare(board, client.role, client.token, client.deeds, true);
};
for (const link of document.querySelectorAll<HTMLAnchorElement>('a[href="/"]'))
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // to another tab or window
    event.preventDefault();
    goToStart();
  };
$("status").querySelector("button")!.onclick = () => (client.tooOld ? location.reload() : tryNow());
setUpHelp(stage.pointers);
setUpBare();
showPeople();
disclose($("menuButton"), $("menu"), { once: true });
disclose($("inkButton"), $("ink"));
listenToKeys(palette, stage, { f: fullScreen, b: toggleBare });

// An error in our own code: what the page shows may be wrong from now on.
addEventListener("error", ({ error, filename }) => {
  if (!error || !filename.startsWith(location.origin)) return; // of the browser, or of what is built into it
  broken = true;
  client.crash();
});
addEventListener("online", tryNow);
addEventListener("offline", changed);
addEventListener("pageshow", tryNow);
addEventListener("hashchange", () => location.reload());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stage.finish();
  else tryNow();
  client.away(document.hidden);
});
setInterval(changed, TICK_MS);
if (tokens.length) client.start();
else void comeByCode();
