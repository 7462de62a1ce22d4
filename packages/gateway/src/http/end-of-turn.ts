// Writes of one turn of the event loop leave together at its end. Between reads, each write wakes
// the other side for itself; one after the other they find it awake: a fifth more requests on the
// same core (bench/README.md).

let waiting: (() => void)[] = [];

/** Runs the step once everything that has arrived by now was looked at. A step must not throw. */
export function atEndOfTurn(step: () => void): void {
  if (waiting.push(step) === 1) setImmediate(run);
}

function run(): void {
  const steps = waiting;
  waiting = [];
  for (const step of steps) step();
}
