// What the person is told once they are signed in: as whom, to what, until when, and where.
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import type { Line, Span } from "../styled-line.ts";
import type { SignedIn } from "./attempt.ts";

/** The lines for a sign-in, or for the discovery that none was needed. */
export function signedInLines(
  { now }: Pick<Context, "now">,
  app: AppUrl,
  { application, stored, how }: SignedIn,
): Line[] {
  const until = untilText(stored.expires_at * 1000, now());
  const beginning: Span[] =
    how === "stored"
      ? [{ text: "Already signed in as " }]
      : [{ text: "✓", style: "good" }, { text: " Signed in as " }];
  return [
    [...beginning, { text: stored.email, style: "bold" }, { text: ` to ${app.host} ${until}` }],
    [{ text: `  team domain  ${application.auth_domain}`, style: "faint" }],
  ];
}

/** `until 21:21 (8 hours)`, in the time zone of this machine; with the day where it is another. */
function untilText(end: number, now: number): string {
  const { day, clock } = localTime(end);
  const isToday = day === localTime(now).day;
  return `until ${isToday ? clock : `${day} ${clock}`} (${durationText(end - now)})`;
}

function localTime(ms: number): { day: string; clock: string } {
  const time = new Date(ms);
  const offset = time.getTimezoneOffset() * 60_000;
  const [day = "", clock = ""] = new Date(ms - offset).toISOString().split("T");
  return { day, clock: clock.slice(0, 5) };
}

/** `8 hours`. @param ms not less than zero is shown */
function durationText(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return plural(minutes, "minute");
  if (minutes < 48 * 60) return plural(Math.round(minutes / 60), "hour");
  return plural(Math.round(minutes / 1440), "day");
}

function plural(count: number, unit: string): string {
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}
