// Plays the terminal sessions of this folder, each scene on every Node that the command line must
// run on and that this machine has. With POSTERN_REWRITE=1 it writes into the files what the
// commands printed, for somebody to look at (README.md).
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { findNode20 } from "../support/node-20.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { bundle } from "./machine.ts";
import { playScene } from "./play-scene.ts";
import {
  readSessionText,
  type Scene,
  type SessionText,
  textOfScene,
  writeSessionText,
} from "./session-text.ts";

const rewrites = process.env["POSTERN_REWRITE"] === "1";
/** Most of a scene is waiting, for processes that start one after another. */
const scenesAtOnce = 3;
const node20 = findNode20();
const nodes = [
  { name: "Node 24", path: process.execPath, options: needs("curl") },
  {
    name: "Node 20",
    path: node20 ?? "",
    options: node20 === undefined ? leaveOut("Node 20") : needs("curl"),
  },
];
const played = rewrites ? nodes.slice(0, 1) : nodes;
const texts = new Map<string, SessionText>();
const wanted = process.env["POSTERN_SESSIONS"] ?? "";

for (const file of globSync(join(import.meta.dirname, `*${wanted}*.txt`)).sort()) {
  const text = readSessionText(readFileSync(file, "utf8"));
  for (const { name, path, options } of played) {
    describe(`${basename(file)} on ${name}`, { concurrency: scenesAtOnce }, () => {
      for (const scene of text.scenes)
        test(scene.title, options, (context) => playAndCompare(context, scene, path));
    });
  }
  texts.set(file, text);
}

process.once("exit", () => {
  if (!rewrites) return;
  for (const [file, text] of texts) writeFileSync(file, writeSessionText(text));
});

async function playAndCompare(context: TestContext, scene: Scene, node: string): Promise<void> {
  const steps = await playScene(context, scene, { node, file: bundle });
  if (rewrites) scene.steps = steps;
  assert.equal(textOfScene({ ...scene, steps }), textOfScene(scene));
}
