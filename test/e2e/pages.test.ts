// Every page in every state, in Chromium, as people of all kinds meet it: on a phone and on a desk,
// light and dark, enlarged, in forced colours, by keyboard alone and with a screen reader.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { fragmentScript } from "../../packages/gateway/src/login/fragment.ts";
import { browserOptions, withPage } from "../support/browser.ts";
import {
  PageScene,
  type PageState,
  pageStates,
  restore,
  showState,
} from "../support/page-states.ts";

const phone = { width: 390, height: 844 };
const desk = { width: 1280, height: 800 };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Rules of WCAG 2.2 A and AA, and what axe counts as good practice. */
const axeRun = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + failureSummary).join(" ")))`;

async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate<string[]>(axeRun);
}

/** Waits until the page has been painted with what was emulated. */
function painted(page: Page): Promise<unknown> {
  return page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
  );
}

async function assertAccessible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await painted(page);
    assert.deepEqual(await violationsOf(page), [], `axe, ${colorScheme}`);
  }
}

/** 320 px wide, and what a desk has left at 200 %. */
async function assertNothingIsCutOff(page: Page): Promise<void> {
  for (const viewport of [{ width: 320, height: 640 }, { width: 640, height: 400 }, phone]) {
    await page.setViewportSize(viewport);
    const width = await page.evaluate<number>("document.scrollingElement.scrollWidth");
    assert.ok(width <= viewport.width, `${width} px are needed, ${viewport.width} are there`);
  }
}

const operable = `[...document.querySelectorAll("a[href], button, input:not([type=hidden])")]`;

/** Tab reaches everything that can be operated, in the order in which it stands there, visibly. */
async function assertReachedByKeyboard(page: Page): Promise<void> {
  const count = await page.evaluate<number>(`${operable}.length`);
  const order: number[] = [];
  // A page may begin in its field, and past the last one the focus leaves the page once.
  for (let presses = 0; order.length < count && presses < count + 3; presses++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate<{ at: number; outline: string }>(
      `({ at: ${operable}.indexOf(document.activeElement), outline: getComputedStyle(document.activeElement).outlineStyle })`,
    );
    if (focus.at < 0) continue;
    assert.notEqual(focus.outline, "none", "can be seen to have the focus");
    order.push(focus.at);
  }
  const [first = 0] = order;
  const expected = Array.from({ length: count }, (_, index) => (first + index) % count);
  assert.deepEqual(order, expected);
}

/** With the colours of the system every control still has an edge. */
async function assertControlsHaveEdges(page: Page): Promise<void> {
  await page.emulateMedia({ forcedColors: "active" });
  const edgeless = await page.evaluate<string[]>(
    `[...document.querySelectorAll("button:not(.link), .button, input:not([type=hidden]):not([type=checkbox]), main")]
      .filter((each) => getComputedStyle(each).borderTopWidth === "0px").map((each) => each.outerHTML)`,
  );
  assert.deepEqual(edgeless, []);
  await page.emulateMedia({ forcedColors: null });
}

/** A page says what it is, once, and never is a dead end that says nothing. */
async function assertSaysSomething(page: Page): Promise<void> {
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  assert.notEqual((await page.locator("main p").first().innerText()).trim(), "");
  const scripts = await page.locator("script").allTextContents();
  assert.ok(scripts.every((each) => each === fragmentScript));
  const text = await page.locator("main").innerText();
  assert.doesNotMatch(text, /e-mail|something went wrong|undefined|null|\[object/i);
}

async function assertStateIsSound(scene: PageScene, state: PageState): Promise<void> {
  const { page } = scene;
  await page.setViewportSize(phone);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce", forcedColors: null });
  await showState(scene, state);
  await assertSaysSomething(page);
  await assertAccessible(page);
  await assertNothingIsCutOff(page);
  await assertReachedByKeyboard(page);
  await assertControlsHaveEdges(page);
}

test(
  "every page in every state has no axe violation, is reached by keyboard, and fits 320 px and 200 %",
  browserOptions(),
  async (context) => {
    await withPage(async (page) => {
      const scene = await PageScene.start(page);
      const hosts = new Set<string>();
      page.on("request", (request) => hosts.add(new URL(request.url()).hostname));
      for (const state of pageStates) {
        await context.test(state.name, () => assertStateIsSound(scene, state));
        await restore(scene);
      }
      hosts.delete("");
      const elsewhere = [...hosts].filter((host) => !host.endsWith(".localhost"));
      assert.deepEqual(elsewhere, [], "no page asks another host for anything");
      await scene.close();
    });
  },
);

test(
  "Approve and Deny are on the screen of a phone and of a desk, whatever is warned of above them",
  browserOptions(),
  async () => {
    await withPage(async (page) => {
      const scene = await PageScene.start(page);
      for (const name of [
        "approve",
        "approve-elsewhere",
        "approve-no-code",
        "approve-long-names",
      ]) {
        const state = pageStates.find((each) => each.name === name);
        assert.ok(state !== undefined, name);
        for (const viewport of [phone, desk]) {
          await page.setViewportSize(viewport);
          await showState(scene, state);
          for (const button of ["Approve", "Deny"]) {
            const box = await page.getByRole("button", { name: button }).boundingBox();
            const end = (box?.y ?? Number.POSITIVE_INFINITY) + (box?.height ?? 0);
            assert.ok(end <= viewport.height, `${name}, ${viewport.width} px: ${button} at ${end}`);
          }
        }
      }
      await scene.close();
    });
  },
);

test(
  "a person approves a terminal and ends its session by keyboard alone",
  browserOptions(),
  async () => {
    await withPage(async (page) => {
      const scene = await PageScene.start(page);
      await scene.reset();
      const terminal = await scene.askToApprove();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await scene.heading("You are signed in");
      const { store } = scene.gateway.parts;
      const id = (await store.transfers.find(terminal.mailbox))?.session_id ?? "";
      assert.equal((await store.sessions.find(id))?.revoked_at, null);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await scene.heading("The terminal is signed out");
      assert.notEqual((await store.sessions.find(id))?.revoked_at, null);
      await scene.open(terminal.url);
      await scene.heading("The terminal is signed out");
      await scene.close();
    });
  },
);
