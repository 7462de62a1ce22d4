// Words that the pages share: headings that break where they should, numbers, and how times are
// said. Pages have no script, so times stand in UTC, with their distance for people elsewhere.
import { html } from "hono/html";
import type { Html } from "./html.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A heading, in which no "sign-in" breaks at its hyphen. */
export function headingWords(text: string): Html {
  const parts = text.split(/(\bsign-in\b)/i);
  const pieces = parts.map((part) =>
    /^sign-in$/i.test(part) ? html`<span class="nb">${part}</span>` : part,
  );
  return html`${pieces}`;
}

/** "2 minutes" */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/** A length of time as people say it: "8 hours". @param ms milliseconds */
export function durationWords(ms: number): string {
  if (ms < 2 * hour) return plural(Math.max(1, Math.round(ms / minute)), "minute");
  if (ms < 2 * day) return plural(Math.round(ms / hour), "hour");
  return plural(Math.round(ms / day), "day");
}

/**
 * How long ago something was: "just now", "2 minutes ago". Both in milliseconds since the epoch.
 */
export function ageWords(at: number, now: number): string {
  const ms = Math.max(0, now - at);
  if (ms < minute) return "just now";
  return `${durationWords(Math.floor(ms / minute) * minute)} ago`;
}

/** A point in time: "13:21 UTC", with its date on another day. */
export function momentOf(at: number, now: number): Html {
  const date = new Date(at);
  // No-break spaces: a time is read in one piece.
  const time = `${date.toISOString().slice(11, 16)}\u00a0UTC`;
  const text = `${dateWords(date, new Date(now))}${time}`;
  return html`<time datetime="${date.toISOString()}">${text}</time>`;
}

function dateWords(date: Date, today: Date): string {
  if (date.toISOString().slice(0, 10) === today.toISOString().slice(0, 10)) return "";
  return `${date.getUTCDate()}\u00a0${months[date.getUTCMonth()]} ${date.getUTCFullYear()}, `;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
