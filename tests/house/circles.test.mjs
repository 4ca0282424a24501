// SPDX-License-Identifier: Apache-2.0
//
// Nothing of the product runs in circles. Needs build/dev.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cFiles, circles, pageFiles } from "./graph.mjs";

for (const [what, graph] of [["the C", cFiles()], ["the page", pageFiles()]]) {
  test(`${what}: no file needs itself, over however many others`, () => {
    assert.deepEqual(circles(graph), []);
    assert.ok(Object.values(graph).some((needs) => needs.size > 3), "there is a graph at all");
  });

  test(`${what}: a circle that somebody puts in is found`, () => {
    const [top] = Object.entries(graph).find(([, needs]) => needs.size > 3);
    let bottom = top;
    while (graph[bottom]?.size) [bottom] = graph[bottom];
    const bent = { ...graph, [bottom]: new Set([top]) };
    assert.ok(circles(bent).some((circle) => circle.includes(bottom) && circle.includes(top)));
  });
}
