// SPDX-License-Identifier: Apache-2.0
//
// A new board that begins with the picture of this one: whoever copies draws it there anew, stroke by stroke,
// by the same rules as any drawer.
import { END, EVEN, JOINED, PRESSURE, type Stroke } from "../model/board.ts";
import type { Point, PointList } from "../model/points.ts";
import type { Client } from "./client.ts";

const FRAME_POINTS = 500;
const LOOK_MS = 50; // whether there is room for more, and whether all is stored
const WAITING_MAX = 1_000; // frames
const ASK_MS = 1_000; // what is asked more often counts as a flood

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

function pointsOf(list: PointList): Point[] {
  return Array.from({ length: list.count }, (_, i) => {
    const point: Point = { x: list.xy[i * 2]!, y: list.xy[i * 2 + 1]! };
    if (list.pressure) point.pressure = list.pressure[i]!;
    return point;
  });
}

function drawOne(client: Client, stroke: Stroke, goesOn: boolean): void {
  const all = pointsOf(stroke.points);
  const pressure = stroke.points.pressure !== null;
  const flags = (pressure ? PRESSURE : 0) | (stroke.even ? EVEN : 0) | (goesOn ? JOINED : 0);
  const first = all.splice(0, FRAME_POINTS);
  client.begin(stroke, first, flags | (all.length ? 0 : END));
  for (let last = first.at(-1); all.length; ) {
    const next = all.splice(0, FRAME_POINTS);
    client.points(next, last, pressure, all.length === 0);
    last = next.at(-1);
  }
}

/** `client` is at the new board, which is its own. False: it ended before all was stored. `told`: how much is
 *  drawn, from 0 to 1. */
export async function copyTo(client: Client, strokes: readonly Stroke[], told: (part: number) => void): Promise<boolean> {
  const seen = strokes.filter(({ undone, gone, points }) => !undone && !gone && points.count > 0);
  const ended = (): boolean => client.end !== null;
  let askedAt = -ASK_MS;
  for (let i = 0; i < seen.length && !ended(); ) {
    const room = client.term !== 0 && client.paused === null && client.board.unackedFrames <= WAITING_MAX;
    if (!room) {
      if (!client.term && client.phase === "live" && performance.now() - askedAt >= ASK_MS) {
        askedAt = performance.now();
        client.ask(); // said twice it means the same
      }
      await pause();
      continue;
    }
    const stroke = seen[i]!;
    drawOne(client, stroke, stroke.joined && stroke.before !== null && stroke.before === seen[i - 1]);
    told(++i / seen.length);
  }
  while (client.board.unackedFrames > 0 && !ended()) await pause();
  return !ended();
}
