/** `postern dev`: a gateway on this machine with nothing to configure. Serves until SIGTERM. */
export function runDev(options: {
  /** default 8600 */
  port?: number;
  /** where the database and the secret key live; default `<posternHome>/dev` */
  data?: string;
  /** keeps nothing */
  ephemeral?: boolean;
  /** applications of one's own, `[name=]URL` */
  upstreams: string[];
  posternHome: string;
  /** what starts the command line from anywhere; default `postern` */
  command?: string;
}): Promise<void>;

/** `postern gateway --config FILE`: serves until SIGTERM. */
export function runGateway(options: { config: string }): Promise<void>;

/** `postern keys rotate --config FILE` */
export function rotateKeys(options: { config: string }): Promise<void>;
