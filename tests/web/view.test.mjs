// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";
import { centred, moved, roomed, sees, shownOf, stepped, toPlace, toWindow, whole, WHOLE, zoomed, ZOOM_MAX } from "../../build/web-node/views.mjs";

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("zoom keeps what is under the fingers where it is", () => {
  const view = zoomed(zoomed(WHOLE, 2, 0.5, 0.5), 1.5, 0.3, 0.6);
  const before = toPlace(zoomed(WHOLE, 2, 0.5, 0.5), 0.3, 0.6);
  const after = toWindow(view, before.x, before.y);
  near(after.x, 0.3);
  near(after.y, 0.6);
});

test("zoom stays between 100% and 800%, and the window on the board", () => {
  assert.deepEqual(zoomed(WHOLE, 0.2), WHOLE);
  assert.equal(zoomed(WHOLE, 100).zoom, ZOOM_MAX);
  const corner = moved(zoomed(WHOLE, 4), 99, 99);
  assert.deepEqual([corner.x, corner.y], [0, 0]);
  const other = moved(zoomed(WHOLE, 4), -99, -99);
  assert.deepEqual([other.x, other.y], [0.75, 0.75]);
});

test("as many steps out as in lead back to the whole board exactly", () => {
  let view = WHOLE;
  for (let i = 0; i < 5; i++) view = stepped(view, 1);
  for (let i = 0; i < 5; i++) view = stepped(view, -1);
  assert.deepEqual(view, WHOLE);
});

test("fingers that part slowly zoom from the whole board, and back to it", () => {
  let view = WHOLE;
  for (let i = 0; i < 100; i++) view = zoomed(view, 1.007);
  near(view.zoom, 1.007 ** 100);
  for (let i = 0; i < 100; i++) view = zoomed(view, 1 / 1.007);
  assert.deepEqual(view, WHOLE);
});

test("a hand takes the board along", () => {
  const view = zoomed(WHOLE, 2);
  const place = toPlace(view, 0.5, 0.5);
  const after = toWindow(moved(view, 0.1, -0.2), place.x, place.y);
  near(after.x, 0.6);
  near(after.y, 0.3);
});

test("what is near the edge of the window is not in sight, unless the board ends there", () => {
  const view = zoomed(WHOLE, 2, 0, 0);
  assert.equal(sees(view, 0.25, 0.25), true);
  assert.equal(sees(view, 0.01, 0.01), true);
  assert.equal(sees(view, 0.49, 0.25), false);
  assert.equal(sees(view, 0.9, 0.9), false);
  assert.equal(sees(centred(view, 0.9, 0.9), 0.9, 0.9), true);
  assert.equal(sees(WHOLE, 1, 1), true);
});

test("a window of another shape shows the whole board in its middle, and zoomed in fills with it", () => {
  const upright = whole({ x: 1, y: 2 }); // twice as high as the board
  assert.deepEqual(shownOf(upright), { x: 0, y: 0, w: 1, h: 1 });
  assert.deepEqual(toWindow(upright, 0.5, 0), { x: 0.5, y: 0.25 });
  const closer = zoomed(upright, 1.6, 0.2, 0.9);
  assert.deepEqual(shownOf(closer), { x: closer.x, y: 0, w: 0.625, h: 1 }, "as high as it goes, which is less than the window");
  assert.deepEqual(shownOf(moved(closer, 0, 0.3)), shownOf(closer), "and there is nothing to move up or down");
  const filled = zoomed(upright, 4, 0.2, 0.9);
  near(filled.w, 0.25);
  near(filled.h, 0.5);
  near(toWindow(filled, 0.2, 0.5).x, 0.2);
  let back = filled;
  for (let i = 0; i < 20; i++) back = stepped(back, -1);
  assert.deepEqual(back, upright);
});

test("a window that changes its shape keeps what is in its middle", () => {
  const view = centred(zoomed(WHOLE, 4), 0.3, 0.6);
  const turned = roomed(view, { x: 1, y: 2 });
  assert.equal(turned.zoom, 4);
  const middle = toPlace(turned, 0.5, 0.5);
  near(middle.x, 0.3);
  near(middle.y, 0.6);
  assert.deepEqual(roomed(turned, WHOLE.room), view);
});
