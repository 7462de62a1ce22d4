import { Agent, get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const connections = 8;
/** Leaves the processor to the gateway, of which alone something is to be learnt. */
const pauseMs = 5;

/** Requests on a few connections, one after the other, until it is ended. */
export class Traffic {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: connections });
  readonly #port: number;
  readonly #applications: number;
  readonly #lanes: Promise<void>[];
  #isOver = false;
  #total = 0;
  #failed = 0;

  /** @param applications how many there are: requests go to each in turn */
  constructor(port: number, applications: number) {
    this.#port = port;
    this.#applications = applications;
    this.#lanes = Array.from({ length: connections }, (_, lane) => this.#drive(lane));
  }

  async end(): Promise<{ total: number; failed: number }> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
    this.#agent.destroy();
    return { total: this.#total, failed: this.#failed };
  }

  async #drive(lane: number): Promise<void> {
    for (let turn = lane; !this.#isOver; turn += connections) {
      const status = await this.#ask(`app${turn % this.#applications}.localhost`);
      this.#total += 1;
      if (status !== 204) this.#failed += 1;
      await wait(pauseMs);
    }
  }

  #ask(host: string): Promise<number> {
    return new Promise((resolve) => {
      const options = {
        host: "127.0.0.1",
        port: this.#port,
        agent: this.#agent,
        headers: { Host: host },
      };
      get(options, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 0));
      }).once("error", () => resolve(0));
    });
  }
}
