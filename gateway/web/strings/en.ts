// SPDX-License-Identifier: Apache-2.0
//
// All words of the page, in English. Texts without holes go into the pages at build time, where an
// element names them (data-t, and data-t-label for its name and tooltip).
const rank = new Intl.PluralRules("en", { type: "ordinal" });
const number = new Intl.NumberFormat("en");
const SUFFIX: Record<string, string> = { one: "st", two: "nd", few: "rd", other: "th" };
const ordinal = (n: number): string => `${number.format(n)}${SUFFIX[rank.select(n)]}`;
const seconds = (s: number): string => (s === 1 ? "a second" : `${number.format(s)} seconds`);
const strokes = (n: number): string => (n === 1 ? "1 stroke" : `${number.format(n)} strokes`);

export const en = {
  locale: "en",

  // start page
  easel: "Easel",
  tagline: "One draws, everybody sees it at the same moment.",
  newBoard: "New board",
  boardName: "Name of a new board (optional)",
  boardNameHint: "Physics, Tuesday",
  makeBoard: "New board",
  making: "One moment…",
  makeKey: "Key of this service",
  makeKeyNeeded: "This service asks for a key before it makes a board.",
  makeFailed: "The board could not be made. Try again.",
  makeTooMany: (s: number) => `That were many boards. Try again in ${seconds(s)}.`,
  makeNoRoom: "There is no room for another board here. Ask who runs this service, or try later.",
  join: "Join",
  joinHint: "k3v9-x2mq-4t",
  joinLabel: "Paste a link, or type the code",
  joinBad: "This is neither a link nor a code of Easel. A code looks like k3v9-x2mq-4t.",
  joinElsewhere: (host: string) => `This link belongs to another place: ${host}.`,
  joinTooMany: (s: number) => `That were many tries. Try again in ${seconds(s)}.`,
  yourBoards: "Boards on this device",
  noBoards: "No boards yet. Make one; you get a link to share.",
  unnamed: "Board without a name",
  forget: "Forget",
  forgetBoard: (name: string) => `Forget ${name} on this device`,
  forgetQuestion: (name: string) => `Forget ${name} on this device? You need a link or the code to come back.`,
  forgetOwnQuestion: (name: string) =>
    `Forget ${name} on this device? It is your board: only who has kept the owner’s link can rule it then, and nobody can make that link again.`,
  roles: ["You watch", "You can draw", "Your board"] as readonly string[],
  serviceAway: "The service does not answer. Try again in a moment.",

  // top bar
  skip: "Skip to the board",
  startPage: "Start page",
  share: "Share",
  fullScreen: "Full screen",
  menu: "Menu",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  zoomFit: "Show the whole board",
  fit: "Fit",
  percent: (part: number) => new Intl.NumberFormat("en", { style: "percent" }).format(part),
  followPen: "Follow the pen",
  drawingHere: "Drawing here",
  fingerDraws: "Finger draws",
  board: "Board",
  whiteboard: (count: number, sentence: string) => `Whiteboard, ${strokes(count)}. ${sentence}`,
  boardKeys:
    "Arrow keys move the crosshair, with Shift in fine steps, with Alt in wide ones. Space puts the pen down and lifts it. Enter makes a dot. Escape takes the stroke back.",
  drawHere: "Draw here.",
  nothingYet: "Nothing here yet.",
  askToDraw: (name: string) => `${name} is drawing. Press “Ask for the pen” to draw.`,
  takeToDraw: "Draw here: the pen is free.",
  turnPhone: "Turn your phone for a bigger board.",

  help: "Keys and settings",
  singleKeys: "Single-key shortcuts",
  paletteRight: "Palette on the right",
  evenWidth: "Same width everywhere",
  keyList: [
    ["P, H, E, L", "Pen, highlighter, eraser, pointer"],
    ["1 – 8", "Colour"],
    ["[ and ]", "Size"],
    ["Ctrl+Z, Ctrl+Y", "Undo, redo"],
    ["+, −, 0", "Zoom in, zoom out, whole board"],
    ["Space + drag", "Move the zoomed board"],
    ["F", "Full screen"],
    ["Esc", "Takes the stroke under way back"],
    ["Tab to the board", "Draw by keyboard: arrow keys move (Shift fine, Alt wide), Space puts the pen down or lifts it, Enter makes a dot"],
  ] as readonly (readonly [string, string])[],

  // palette
  palette: "Drawing tools",
  tool: "Tool",
  tools: ["Pen", "Highlighter", "Eraser", "Pointer"] as readonly string[],
  colour: "Colour",
  colours: {
    black: "Black",
    grey: "Grey",
    red: "Red",
    orange: "Orange",
    green: "Green",
    blue: "Blue",
    violet: "Violet",
    pink: "Pink",
    yellow: "Yellow",
  },
  size: "Size",
  ink: (chosen: string) => `Colour and size: ${chosen}`,
  sizes: ["Hairline", "Fine", "Medium", "Thick", "Huge"] as readonly string[],
  undo: "Undo",
  redo: "Redo",
  clear: "Clear",
  undoClear: "Undo: bring back what was cleared",
  nothingToUndo: "Nothing of yours to undo",
  nothingToRedo: "Nothing to redo",
  nothingToClear: "The board is empty",
  clearQuestion: "Clear the board for everyone? Undo brings it back.",
  keep: "Keep",

  // who draws
  whoDraws: "Who draws",
  nobodyDraws: "Nobody is drawing.",
  nobodyDrawsWatching: "Nobody is drawing. You are watching.",
  draws: (name: string) => `${name} is drawing.`,
  drawsWatching: (name: string) => `${name} is drawing. You are watching.`,
  takePen: "Take the pen",
  askForPen: "Ask for the pen",
  takeQuestion: (name: string) => `Take the pen from ${name}?`,
  youHavePen: "You have the pen.",
  putDown: "Stop drawing",
  inLine: (line: number) => `You are ${ordinal(line)} in line.`,
  cancel: "Cancel",
  asks: (name: string) => `${name} asks for the pen.`,
  handOver: "Hand over",
  notNow: "Later",
  waitsAndPasses: (name: string, s: number) => `${name} is waiting. Draw, or the pen passes on in ${s} s.`,
  connectionLost: (name: string, s: number) => `${name}’s connection is lost. The pen is free in ${s} s.`,
  connectionLostAlone: (name: string) => `${name}’s connection is lost. The pen is kept until somebody asks for it.`,
  penMoves: "The pen is changing hands…",
  youHavePenNow: "You have the pen now.",
  hasPenNow: (name: string) => `${name} has the pen now.`,
  penIsWith: (name: string) => `The pen is with ${name} now.`,
  penIsFree: "The pen is free.",
  notAdded: (n: number) =>
    n <= 1
      ? `The pen had already passed on. Your last ${n ? "stroke" : "step"} was not added.`
      : `The pen had already passed on. Your last ${number.format(n)} strokes were not added.`,
  setBack: (n: number) =>
    n <= 1
      ? `The board was set back. Your last ${n ? "stroke" : "step"} was not added.`
      : `The board was set back. Your last ${number.format(n)} strokes were not added.`,
  people: "People",
  peopleCountShort: (here: number, seats: number) => `${number.format(here)}/${number.format(seats)}`,
  peopleCount: (here: number, seats: number) => `${number.format(here)} of ${number.format(seats)}`,
  you: "you",
  pen: "pen",
  lineOf: (line: number) => `${ordinal(line)} in line`,
  away: "away",
  lost: "connection lost",
  guest: "Guest",
  guestOf: (n: number) => `Guest ${n}`,
  yourName: "Your name",
  save: "Save",
  changeName: "Change",
  others: (n: number) => `${number.format(n)} others`,
  cameAndWent: (came: string, left: string) => [came && `${came} came.`, left && `${left} left.`].filter(Boolean).join(" "),
  cleared: (name: string) => `${name} cleared the board.`,
  clearedByYou: "The board is cleared. Undo brings it back.",
  undone: "A stroke was taken back.",
  restored: "The board is back as it was before it was cleared.",
  list: (names: readonly string[]) => new Intl.ListFormat("en").format(names),

  // status
  connecting: "Connecting…",
  offline: "You are offline. We reconnect as soon as you are back.",
  reconnectingIn: (s: number) => `Reconnecting… next try in ${s} s.`,
  reconnecting: "Reconnecting…",
  strokesKept: "Your last strokes are kept.",
  tryNow: "Try now",
  pausedGrace: "Drawing pauses until we are connected again.",
  trouble: "The service has a problem. You stay connected and nothing is lost.",
  pausedUnsaved: "Drawing pauses until the board can be saved again.",
  keptForNextTerm: (n: number) =>
    n <= 1
      ? `Your last ${n ? "stroke" : "step"} is kept. It is ${n ? "drawn" : "done"} as soon as you have the pen.`
      : `Your last ${number.format(n)} strokes are kept. They are drawn as soon as you have the pen.`,
  behind: (steps: number) => `Catching up: ${number.format(steps)} ${steps === 1 ? "step" : "steps"} behind.`,
  notSaved: "Live. The newest strokes are not saved yet.",
  nothingSaved: "Live. Nothing is being saved right now; your strokes are kept here.",
  held: "The board cannot be opened yet: the service does not get at what is stored. We wait for it.",
  littleRoom: "Live. All saved. This board is nearly full: make a new one soon.",
  noRoom: "This board is full, and nobody can draw on it any more. Make a new one.",
  saving: "Live. Saving…",
  live: "Live. All saved.",
  liveShort: "Live",
  crowded: "Too many people are connected just now. We try again.",
  tooOld: "Easel was updated, and this page is too old to connect. Reload it: what is not saved by now is lost then.",
  blocked: "This network blocks live connections. Try another network.",
  foreign:
    "This service does not know itself by the address that you came by, and refuses what its pages send. Whoever runs it finds in its log what to set.",

  // instead of the board
  full: (seats: number) =>
    `This board is full: ${number.format(seats)} of ${number.format(seats)} places are taken. We try again every 15 s.`,
  fullUnknown: "This board is full. We try again every 15 s.",
  forbidden: "This link does not open the board. It may be cut off or no longer valid. Ask for a new one.",
  notFound: "There is no such board. Check the link or the code.",
  deleted: "This board was deleted.",
  replaced: "This board is open in another tab or window.",
  useHere: "Use it here",
  crash: "Something went wrong in this page. The board is safe.",
  reload: "Reload",
  noScript: "Easel needs JavaScript.",

  // share
  shareTitle: "Share this board",
  watchLink: "Anyone with this link can watch.",
  drawLink: "Anyone with this link can ask for the pen, draw and clear.",
  ownDevices: "Your other devices",
  ownLink: "Keep this link to yourself: whoever has it owns the board.",
  keepOwnLink: "This board is yours. Keep the owner’s link: with it you own the board on any device, also when this browser is gone.",
  copyOwnLink: "Copy the owner’s link",
  code: "Code",
  codeHint: "On the start page, the code opens the board for watching.",
  qr: "QR code of the link for watching",
  copy: "Copy",
  copied: "Copied",
  pressCopy: "Press Ctrl+C to copy",
  shareBy: "Share…",
  close: "Close",
  watchLinkFailed: "The link could not be made just now. Close and try again.",
};

export type Strings = typeof en;
