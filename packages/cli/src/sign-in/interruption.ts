import type { Context } from "../context.ts";

/**
 * Says at Ctrl-C that nothing was signed in. The process then ends by the signal, as if nobody had
 * listened: shells see status 130, and stop the script that it stands in.
 * @returns stops it
 */
export function tellInterruption(context: Pick<Context, "tell" | "status">): () => void {
  const stop = () => void process.off("SIGINT", onInterrupt);
  const onInterrupt = () => {
    stop();
    context.status(undefined);
    context.tell("Interrupted: nothing was signed in.");
    process.kill(process.pid, "SIGINT");
  };
  process.on("SIGINT", onInterrupt);
  return stop;
}
