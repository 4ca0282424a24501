// SPDX-License-Identifier: Apache-2.0
//
// What hands, pens and mice do on the board, as recordings, and what must come of it: all strokes of the
// log, and the zoom. A line is: ms, what happens, pointer, x, y (CSS pixels from the board's corner), and
// more where it matters. Pointers: m the mouse, p a pen, a b c fingers. "seen" waits until the log has so
// many strokes. Expected places are pixels, too; "undone" is a stroke that was taken back.
export const HANDS = [
  // ---- the mouse
  {
    name: "a mouse draws from where it is pressed to where it is let go",
    lines: `
      0 move m 60 60
      10 down m 100 100
      20 move m 120 110
      30 move m 150 130
      40 up m 150 130
      50 move m 300 300`,
    strokes: ["100,100 120,110 150,130"],
  },
  {
    name: "the other buttons draw nothing",
    lines: `
      0 down m 100 100 button=right
      10 move m 150 150 button=right
      20 up m 150 150 button=right
      30 down m 200 100 button=middle
      40 move m 250 150 button=middle
      50 up m 250 150 button=middle`,
    strokes: [],
  },
  {
    name: "other buttons do not disturb a stroke, which ends with its own",
    lines: `
      0 down m 100 100
      10 move m 120 100
      20 down m 120 100 button=right
      30 move m 140 100
      40 up m 140 100
      50 move m 200 200 button=right
      60 up m 200 200 button=right
      70 down m 300 100
      80 up m 300 120`,
    strokes: ["100,100 120,100 140,100", "300,100 300,120"],
  },
  {
    name: "places nearer than three quarters of a pixel are left out, but for the last",
    lines: `
      0 down m 100 100
      10 move m 100.6 100
      20 move m 101.2 100
      30 move m 101.8 100
      40 up m 101.8 100`,
    strokes: ["100,100 101,100 102,100"],
  },
  {
    name: "a stroke that leaves the board is cut at its edge, and goes on where it comes back",
    lines: `
      0 down m 40 100
      10 move m -20 120
      20 move m -20 200
      30 move m 30 220
      40 up m 30 220`,
    strokes: ["40,100 0,113", "0,208 30,220"],
  },
  {
    name: "a stroke whose pointer is lost ends there, and the next press draws again",
    lines: `
      0 down m 100 100
      10 move m 120 100
      20 lose m
      30 move m 160 160
      40 up m 160 160
      50 down m 200 200
      60 move m 220 200
      70 up m 220 200`,
    strokes: ["100,100 120,100", "200,200 220,200"],
  },
  {
    name: "a page that is hidden ends the stroke",
    lines: `
      0 down m 100 100
      10 move m 120 100
      20 hide m
      30 move m 160 160
      40 up m 160 160`,
    strokes: ["100,100 120,100"],
  },

  // ---- a finger
  {
    name: "a finger draws after six pixels, from where it came down",
    lines: `
      0 down a 100 100
      10 move a 102 101
      20 move a 104 102
      30 move a 110 105
      40 move a 140 120
      50 up a 140 120`,
    strokes: ["100,100 110,105 140,120"],
  },
  {
    name: "a finger that rests draws after a while",
    lines: `
      0 down a 100 100
      90 seen 1
      900 move a 130 100
      910 up a 130 100`,
    strokes: ["100,100 130,100"],
  },
  {
    name: "a tap is a dot, in one frame",
    lines: `
      0 down a 100 100
      30 up a 100 100`,
    strokes: ["100,100"],
    frames: ["begin and end"],
  },
  {
    name: "a finger that the system takes leaves nothing",
    lines: `
      0 down a 100 100
      10 move a 130 100
      20 move a 150 100
      30 cancel a
      600 down a 100 200
      610 cancel a`,
    strokes: ["100,100 130,100 150,100 undone"],
  },

  // ---- two fingers
  {
    name: "two fingers at once zoom and draw nothing",
    lines: `
      0 down a 300 200
      12 down b 400 200
      20 move a 275 200
      28 move b 425 200
      36 move a 250 200
      44 move b 450 200
      52 up b
      60 up a`,
    strokes: [],
    zoom: 200,
  },
  {
    name: "a second finger soon after the first takes its stroke back and zooms",
    lines: `
      0 down a 300 200
      20 move a 320 200
      240 down b 420 200
      260 move b 470 200
      270 up a
      280 up b`,
    strokes: ["300,200 320,200 undone"],
    zoom: 150,
  },
  {
    name: "a second finger later is ignored",
    lines: `
      0 down a 100 100
      20 move a 130 100
      260 down b 300 100
      270 move b 400 100
      280 move a 150 100
      290 up b
      300 up a`,
    strokes: ["100,100 130,100 150,100"],
  },

  // ---- a pen
  {
    name: "a pen draws at once, with its pressure",
    lines: `
      0 move p 90 100
      10 down p 100 100 force=0.25
      20 move p 120 100 force=0.6
      30 move p 140 110 force=0.8
      40 up p 140 110
      50 leave p`,
    strokes: ["100,100 120,100 140,110 pressure 64,153,204"],
  },
  {
    name: "a palm that rests before, while and after a pen writes does nothing",
    lines: `
      0 down a 500 300 radius=15
      200 move a 508 300 radius=16
      300 move p 100 100
      310 down p 100 100 force=0.4
      320 move a 520 310
      330 down b 560 320
      340 move p 120 100 force=0.4
      350 move b 600 340
      360 move p 140 100 force=0.4
      370 up p 140 100
      380 leave p
      400 up a
      420 up b`,
    strokes: ["500,300 508,300 undone", "100,100 120,100 140,100 pressure 102,102,102"],
  },
  {
    name: "a pen that hovers makes a palm of each touch",
    lines: `
      0 move p 100 100
      10 down a 500 300
      20 move a 560 300
      30 down b 300 300
      40 move b 200 300
      50 up a
      60 up b`,
    strokes: [],
  },
  {
    name: "what touches soon after a pen left is a palm",
    lines: `
      0 down p 100 100 force=0.4
      10 up p 100 100
      20 leave p
      500 down a 400 300
      510 down b 500 300
      520 move a 350 300
      530 move b 550 300
      540 up a
      550 up b`,
    strokes: ["100,100 pressure 102"],
  },
  {
    name: "a hand on the board is a palm while its pen is at the palette",
    lines: `
      0 down p 100 100 force=0.4
      10 up p 100 100
      20 move p -40 100
      600 down a 300 200
      610 down b 400 200
      620 move a 250 200
      630 move b 450 200
      640 up b
      650 up a`,
    strokes: ["100,100 pressure 102"],
  },
  {
    name: "once a pen was seen two fingers zoom, one moves, and neither draws",
    lines: `
      0 down p 100 100 force=0.4
      10 up p 100 100
      20 leave p
      600 down a 300 200
      610 move a 340 200
      620 up a
      1000 down a 300 200
      1010 down b 400 200
      1020 move a 250 200
      1030 move b 450 200
      1040 up b
      1050 up a
      1100 down a 300 200
      1110 move a 360 240
      1120 up a
      2000 down p 360 240 force=0.4
      2010 up p 360 240
      2020 leave p`,
    // Zoomed by two around 350,200 and moved by 60,40: what was at 325,200 came to 360,240, but for a rounded pixel.
    strokes: ["100,100 pressure 102", "325,201 pressure 102"],
    zoom: 200,
  },
  {
    name: "a broad contact beside a known pen is a palm",
    lines: `
      0 down p 100 100 force=0.4
      10 up p 100 100
      20 leave p
      600 down a 300 200 radius=25
      610 down b 400 200
      620 move a 250 200 radius=25
      630 move b 450 200
      640 up b
      650 up a`,
    strokes: ["100,100 pressure 102"],
  },
  {
    name: "the switch lets fingers draw beside a pen",
    lines: `
      0 down p 100 100 force=0.4
      10 up p 100 100
      20 leave p
      30 switch Finger draws
      600 down a 300 200
      610 move a 340 200
      620 up a`,
    strokes: ["100,100 pressure 102", "300,200 340,200"],
  },
  {
    name: "a pen that comes between two fingers ends their gesture and draws",
    lines: `
      0 down a 300 200
      10 down b 400 200
      20 down p 350 100 force=0.4
      30 move b 500 200
      40 move a 200 200
      50 move p 380 100 force=0.4
      60 up p 380 100
      70 up a
      80 up b`,
    strokes: ["350,100 380,100 pressure 102,102"],
  },
  {
    name: "a pen that the system takes keeps its stroke",
    lines: `
      0 down p 100 100 force=0.4
      10 move p 140 100 force=0.4
      20 cancel p
      30 leave p`,
    strokes: ["100,100 140,100 pressure 102,102"],
  },
];
