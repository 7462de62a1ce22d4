import { loginCode } from "@postern/protocol";
import { html } from "hono/html";
import type { Html } from "./html.ts";

/** The code of a terminal's key, which the person compares with what the terminal shows. */
export function codeBlock(key: Uint8Array): Html {
  return html`<p class="label" id="code-label">Code</p>
<div class="code" role="group" aria-labelledby="code-label">${loginCode(key)}</div>`;
}
