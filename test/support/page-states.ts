// Every page that a person can meet, in every state, on a gateway that a real browser and real
// terminals walk into them. Tests look at each, and `npm run screenshots` draws each.
import { otherStates } from "./pages/other-states.ts";
import type { PageScene, PageState } from "./pages/scene.ts";
import { signInStates } from "./pages/sign-in-states.ts";
import { terminalStates } from "./pages/terminal-states.ts";

export { PageScene, type PageState } from "./pages/scene.ts";

/** The states, by the page that they belong to. */
export const pageStates: readonly PageState[] = [
  ...signInStates,
  ...terminalStates,
  ...otherStates,
];

/** Leads the browser to a state, from nothing. @returns once its heading stands there */
export async function showState(scene: PageScene, state: PageState): Promise<void> {
  await scene.reset();
  await state.show(scene);
  await scene.heading(state.heading);
}

/** Takes back what a state changed in the configuration. */
export function restore(scene: PageScene): Promise<void> {
  return scene.changed({});
}
