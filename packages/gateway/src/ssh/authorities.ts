// The authorities that sign SSH certificates: one for each application, so that a server which
// trusts one application takes nobody in whom another one lets in. Each is made when it is first
// needed, and sealed in the store, where every process finds it.
//
// They are ECDSA on P-256, as Cloudflare's are: sshd takes that also where it may use approved
// algorithms alone (FIPS 140), which on many systems leaves Ed25519 out.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { SshAuthorityStore, StoredSshAuthority } from "../storage/store.ts";
import type { SshPublicKey } from "./public-key.ts";
import { string } from "./wire.ts";

/** What signs the certificates of one application. */
export interface SshAuthority {
  publicKey: SshPublicKey;
  privateKey: KeyObject;
}

interface AuthoritiesDeps {
  store: SshAuthorityStore;
  secretBox: SecretBox;
  now: Clock;
}

const keyType = "ecdsa-sha2-nistp256";

/** Finds and makes authorities. Nothing is remembered: the store has what is in force. */
export class SshAuthorities {
  readonly #deps: AuthoritiesDeps;

  constructor(deps: AuthoritiesDeps) {
    this.#deps = deps;
  }

  /**
   * The authority of an application, made when there is none.
   * @throws {Error} when it was sealed with another secret key, or is damaged
   */
  async of(aud: string): Promise<SshAuthority> {
    const { store } = this.#deps;
    const existing = await store.find(aud);
    // Another process may be making one as well: who comes first decides.
    return this.#open(existing ?? (await store.add(await this.#make(aud))));
  }

  /**
   * Makes another authority, which signs in place of the one before from now on. Where another
   * process does so at once, both get the same.
   * @throws {Error} as `of` does
   */
  async replace(aud: string): Promise<SshAuthority> {
    const { store } = this.#deps;
    const before = await store.find(aud);
    if (before === undefined) return this.of(aud);
    return this.#open(await store.replace(before, await this.#make(aud)));
  }

  async #make(aud: string): Promise<StoredSshAuthority> {
    const { secretBox, now } = this.#deps;
    const { privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    return {
      aud,
      sealed_private_key: secretBox.seal(pem, sealContext(aud)),
      created_at: now(),
    };
  }

  #open({ aud, sealed_private_key }: StoredSshAuthority): SshAuthority {
    const pem = this.#deps.secretBox.open(sealed_private_key, sealContext(aud));
    if (pem === undefined)
      throw new Error(
        "the SSH authority in the store was sealed with another secret key; restore the secret_key_file that belongs to this store",
      );
    const privateKey = createPrivateKey(pem);
    return { publicKey: publicKeyOf(privateKey), privateKey };
  }
}

/** RFC 5656 section 3.1 */
function publicKeyOf(privateKey: KeyObject): SshPublicKey {
  const { x = "", y = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const coordinates = [x, y].map((coordinate) => Buffer.from(coordinate, "base64url"));
  const point = Buffer.concat([Buffer.of(0x04), ...coordinates]);
  const blob = Buffer.concat([string(keyType), string("nistp256"), string(point)]);
  return { type: keyType, blob };
}

function sealContext(aud: string): string {
  return `ssh authority ${aud}`;
}
