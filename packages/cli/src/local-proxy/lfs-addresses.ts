// Where Git LFS is told to go for its objects: a forge answers a batch request with whole addresses
// of its own (Git LFS, "Batch API"). Those within the application lead back to this proxy, for a
// client has no credential anywhere else.
import { pipeline, Transform, type TransformCallback } from "node:stream";
import type { GatewayAnswer, GatewayHead } from "./gateway-request.ts";
import { valuesOf, withoutField } from "./header-fields.ts";
import type { RequestSides } from "./request-fields.ts";

const batchPath = /\/objects\/batch(?:\?|$)/;
const batchType = "application/vnd.git-lfs+json";

/** Addresses of 100 objects, the most that clients ask for, are a hundredth of it. */
const largestAnswer = 8 * 1024 * 1024;

export function isLfsBatch({ method, path, fields }: GatewayHead): boolean {
  const [accept = ""] = valuesOf(fields, "accept");
  return method === "POST" && batchPath.test(path) && accept.includes(batchType);
}

/** The request, for an answer that can be read here. */
export function askPlainly(head: GatewayHead): GatewayHead {
  return { ...head, fields: withoutField(head.fields, "accept-encoding") };
}

/** The answer with addresses of this proxy; one of another kind stays as it is. */
export function withLocalAddresses(answer: GatewayAnswer, sides: RequestSides): GatewayAnswer {
  const [type = ""] = valuesOf(answer.fields, "content-type");
  const isCoded = valuesOf(answer.fields, "content-encoding").length > 0;
  if (isCoded || !type.startsWith(batchType)) return answer;
  const fields = withoutField(answer.fields, "content-length");
  const body = new LocalAddresses(sides);
  // Where one of the two breaks, the other one does, and whoever reads it is told.
  pipeline(answer.body, body, () => {});
  return { ...answer, fields, body };
}

class LocalAddresses extends Transform {
  readonly #sides: RequestSides;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(sides: RequestSides) {
    super();
    this.#sides = sides;
  }

  override _transform(piece: Buffer, _: string, done: TransformCallback): void {
    this.#size += piece.length;
    this.#pieces.push(piece);
    done(this.#size > largestAnswer ? new Error("the LFS server sent too long a list") : null);
  }

  override _flush(done: TransformCallback): void {
    done(null, replaced(Buffer.concat(this.#pieces).toString("utf8"), this.#sides));
  }
}

/** In the text: every address there is a string of JSON that begins with its origin. */
function replaced(text: string, { appOrigin, localOrigin }: RequestSides): string {
  const plain = text.replaceAll(`"${appOrigin}/`, `"${localOrigin}/`);
  const escaped = (origin: string) => `"${origin.replaceAll("/", "\\/")}\\/`;
  return plain.replaceAll(escaped(appOrigin), escaped(localOrigin));
}
