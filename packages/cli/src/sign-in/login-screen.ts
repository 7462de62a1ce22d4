// The screen of a login, from top to bottom: a QR code where there is room, the address, the code,
// and a line with the time that is left. What happens at the browser is told while it happens.
import { isLoopbackHost } from "@postern/protocol/host";
import type { Context } from "../context.ts";
import { type Abilities, abilitiesOf, type Line, plainText } from "../styled-line.ts";
import { terminalColumns, terminalRows } from "../terminal.ts";
import { type QrCode, qrCode, roomFor } from "./qr-code.ts";
import type { Progress } from "./relay-poll.ts";

/** What one login shows. */
export interface LoginView {
  address: URL;
  code: string;
  /** milliseconds until the terminal gives up */
  timeLeft(): number;
}

/** How it is shown. */
export interface LoginWishes {
  /** a browser has been started */
  isBrowserOpen: boolean;
  /** undefined: where it helps and there is room */
  qr: boolean | undefined;
}

const second = 1_000;
const minute = 60 * second;

/** Shows one login, until it ends. */
export class LoginScreen {
  readonly #context: Context;
  readonly #view: LoginView;
  readonly #abilities: Abilities;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Context, view: LoginView) {
    const { environment, onTerminal, color } = context;
    this.#context = context;
    this.#view = view;
    this.#abilities = abilitiesOf({ environment, onTerminal, platform: process.platform }, color);
  }

  /** Shows where to approve. */
  async show(wishes: LoginWishes): Promise<void> {
    const lines = addressLines(this.#view, wishes);
    const code = this.#wantsQrCode(wishes) ? await qrCode(this.#view.address.href) : [];
    if (this.#hasRoom(code, lines, wishes))
      for (const text of code) this.#context.show([{ text, style: "qr" }]);
    for (const line of lines) this.#context.show(line);
    this.#showTime();
  }

  /** Tells what has happened at the browser. */
  progress(progress: Progress): void {
    this.#context.tell(progressText(progress));
  }

  /** Takes the line with the time away. */
  end(): void {
    clearInterval(this.#timer);
    this.#context.status(undefined);
  }

  /** A phone reaches no loopback name, and scanners want black on white. */
  #wantsQrCode({ isBrowserOpen, qr }: LoginWishes): boolean {
    const isOfUse = !isBrowserOpen && !isLoopbackHost(this.#view.address.hostname);
    return qr ?? (isOfUse && this.#context.onTerminal && this.#abilities.styles);
  }

  /** The code must not push the address out of sight, unless that is wished. */
  #hasRoom(code: QrCode, below: readonly Line[], { qr }: LoginWishes): boolean {
    const texts = [...below.map(plainText), waitingText(this.#view.timeLeft())];
    const size = { columns: terminalColumns(2), rows: terminalRows(2) };
    const room = roomFor(code, texts, size);
    if (room === "too_narrow" && qr === true)
      this.#context.tell(
        `The QR code needs ${code[0]?.length} columns, and this terminal has ${size.columns}.`,
      );
    return room === "enough" || (room === "too_low" && qr === true);
  }

  /** Draws the time anew each second. Where nothing can be drawn, a line each minute says it. */
  #showTime(): void {
    const { timeLeft } = this.#view;
    const draw = () => this.#context.status([{ text: waitingText(timeLeft()), style: "faint" }]);
    const tell = () => this.#context.tell(waitingLine(timeLeft()));
    if (this.#abilities.redraws) {
      draw();
      this.#timer = setInterval(draw, second);
    } else {
      this.#timer = setInterval(tell, minute);
    }
    // The poll decides how long the process lives.
    this.#timer.unref();
  }
}

/** The address stands on lines of its own, so that it can be copied where it wraps. */
function addressLines(
  { address: { href }, code }: Pick<LoginView, "address" | "code">,
  { isBrowserOpen }: Pick<LoginWishes, "isBrowserOpen">,
): Line[] {
  const where = isBrowserOpen
    ? "A browser window should have opened. If not, open this page:"
    : "Open this page in a browser:";
  return [
    where,
    [{ text: href, link: href }],
    [{ text: "Approve only if the page shows this code: " }, { text: code, style: "bold" }],
  ];
}

/** The line that is drawn anew: `Waiting for the approval, 7:59 left`. */
function waitingText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / second));
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return `Waiting for the approval, ${clock} left`;
}

/** The line of a minute. */
function waitingLine(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / minute));
  const left = minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return `Still waiting for the approval: ${left} left.`;
}

/** What has happened at the browser. */
function progressText({ step, email }: Progress): string {
  if (step === "opened") return "The page was opened in a browser.";
  const who = email === undefined ? "Somebody" : email;
  return `${who} is signed in at the page; what is left is to approve.`;
}
