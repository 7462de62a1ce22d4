// Times as a person reads them, in the time zone of this machine.

const minuteMs = 60_000;

/** `until 21:21 (8 hours)`, with the day where it is another. @param end milliseconds, as `now` */
export function untilText(end: number, now: number): string {
  const { day, clock } = localTime(end);
  const isToday = day === localTime(now).day;
  return `until ${isToday ? clock : `${day} ${clock}`} (${durationText(end - now)})`;
}

/** `4 minutes ago`. */
export function agoText(moment: number, now: number): string {
  return now - moment < minuteMs ? "just now" : `${durationText(now - moment)} ago`;
}

function localTime(ms: number): { day: string; clock: string } {
  const offset = new Date(ms).getTimezoneOffset() * minuteMs;
  const [day = "", clock = ""] = new Date(ms - offset).toISOString().split("T");
  return { day, clock: clock.slice(0, 5) };
}

function durationText(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / minuteMs));
  if (minutes < 120) return plural(minutes, "minute");
  if (minutes < 48 * 60) return plural(Math.round(minutes / 60), "hour");
  return plural(Math.round(minutes / 1440), "day");
}

function plural(count: number, unit: string): string {
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}
