// `npm run screenshots -- FOLDER [STATE…]`: draws every page in every state, as people see them: on
// a phone and on a desk, narrow and enlarged, light, dark and in forced colours. Without a folder,
// the picture of the approval page in docs/images alone.
import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import { withPage } from "../test/support/browser.ts";
import {
  PageScene,
  type PageState,
  pageStates,
  restore,
  showState,
} from "../test/support/page-states.ts";

interface Look {
  name: string;
  viewport: { width: number; height: number };
  colorScheme: "light" | "dark";
  forcedColors?: "active";
}

const phone = { width: 390, height: 844 };
const desk = { width: 1280, height: 800 };
/** Forced colours come last: Chromium keeps their background for the rest of its life. */
const looks: Look[] = [
  { name: "phone-light", viewport: phone, colorScheme: "light" },
  { name: "phone-dark", viewport: phone, colorScheme: "dark" },
  { name: "desk-light", viewport: desk, colorScheme: "light" },
  { name: "desk-dark", viewport: desk, colorScheme: "dark" },
  { name: "narrow-light", viewport: { width: 320, height: 640 }, colorScheme: "light" },
  // What a desk of 1280 by 800 has left at 200 %.
  { name: "enlarged-dark", viewport: { width: 640, height: 400 }, colorScheme: "dark" },
  { name: "forced-colours", viewport: phone, colorScheme: "dark", forcedColors: "active" },
];

const [folder, ...names] = process.argv.slice(2);
await withPage(async (page) => {
  const scene = await PageScene.start(page);
  if (folder === undefined) await drawApproval(scene);
  else await drawAll(scene, folder, names);
  await scene.close();
});

async function drawAll(scene: PageScene, into: string, chosen: string[]): Promise<void> {
  mkdirSync(into, { recursive: true });
  const states = pageStates.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
  const rounds = [
    looks.filter(({ forcedColors }) => forcedColors === undefined),
    looks.filter(({ forcedColors }) => forcedColors !== undefined),
  ];
  for (const round of rounds)
    for (const state of states) await drawState(scene, into, { state, round });
}

async function drawState(
  scene: PageScene,
  into: string,
  { state, round }: { state: PageState; round: Look[] },
): Promise<void> {
  await showState(scene, state);
  for (const look of round) {
    await lookAt(scene.page, look);
    await scene.page.screenshot({ path: `${into}/${state.name}.${look.name}.png`, fullPage: true });
  }
  await restore(scene);
}

async function lookAt(page: Page, { viewport, colorScheme, forcedColors }: Look): Promise<void> {
  await page.setViewportSize(viewport);
  await page.emulateMedia({
    colorScheme,
    forcedColors: forcedColors ?? null,
    reducedMotion: "reduce",
  });
  // The next frame but one has been painted with all of that.
  await page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
  );
}

/** The picture in the README. */
async function drawApproval(scene: PageScene): Promise<void> {
  const state = pageStates.find(({ name }) => name === "approve-elsewhere");
  if (state === undefined) throw new Error("there is no such state");
  await scene.page.setViewportSize({ width: 760, height: 724 });
  await showState(scene, state);
  mkdirSync("docs/images", { recursive: true });
  await scene.page.screenshot({ path: "docs/images/approval.png" });
}
