// Who stands between load and origin over TLS: nginx, a bare forwarder of Node, and the gateway.
import type { Entry } from "../contest.ts";
import { bare, firstOf, type Stand, standOf, startFileOrigin, startGateways } from "../line-up.ts";
import { makeCertificate } from "../peers/certificate.ts";
import { startBareNginx, startForwarder } from "../peers/start.ts";
import type { Setting } from "../setting.ts";

/** What differs between the protocols over TLS. */
export interface TlsLineUp {
  /** behind the port in nginx's `listen` */
  listen: "ssl" | "ssl http2";
  forwarder: "tls" | "http2";
  /** what the forwarder is called */
  name: string;
}

/** Starts all of them with one certificate. */
export async function startOverTls(
  setting: Setting,
  { listen, forwarder, name }: TlsLineUp,
): Promise<Entry<Stand>[]> {
  const { stage } = setting;
  const origin = await startFileOrigin(stage);
  const certificate = await makeCertificate(stage);
  const files = { cert_file: certificate.certificate, key_file: certificate.key };
  const sections = { tls: { certificates: [files] } };
  const posterns = await startGateways(setting, { origin, sections });
  const { target } = firstOf(posterns);
  const nginx = startBareNginx(stage, origin, { listen, certificate });
  const node = startForwarder(stage, forwarder, origin, certificate);
  return [await standOf(bare, nginx, target), await standOf(name, node, target), ...posterns];
}
