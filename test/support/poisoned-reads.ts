// Sockets of the gateway read into buffers that all connections share. Here each such buffer is
// overwritten as soon as what was read in it has been dealt with: whoever keeps a part of it has
// these bytes instead of its own.

import { syncBuiltinESMExports } from "node:module";
import net, { type OnReadOpts, type Socket } from "node:net";

/** What stands in the place of bytes that were read. */
const poison = 0xaa;

interface ReadOptions {
  onread?: OnReadOpts;
}

/** How many reads were overwritten so far. */
let reads = 0;

export function poisonedReads(): number {
  return reads;
}

/** From now on, for every socket that is made in this process. */
export function poisonReads(): void {
  const { Socket: PlainSocket, connect } = net;
  class PoisonedSocket extends PlainSocket {
    constructor(options: ConstructorParameters<typeof PlainSocket>[0] & ReadOptions) {
      super(poisoned(options));
    }
  }
  const connectPoisoned = (options: unknown, ...rest: unknown[]): Socket => {
    const isObject = typeof options === "object" && options !== null;
    return Reflect.apply(connect, net, [isObject ? poisoned(options) : options, ...rest]);
  };
  Object.assign(net, { Socket: PoisonedSocket, connect: connectPoisoned });
  syncBuiltinESMExports();
}

function poisoned<Options extends ReadOptions>(options: Options): Options {
  const { onread } = options;
  if (onread === undefined) return options;
  const { callback } = onread;
  const overwriting = function (this: unknown, length: number, bytes: Uint8Array): boolean {
    const takesMore = Reflect.apply(callback, this, [length, bytes]) as boolean;
    bytes.fill(poison);
    reads++;
    return takesMore;
  };
  return { ...options, onread: { ...onread, callback: overwriting } };
}
