/**
 * Variables by which git asks other addresses than those it is given and keeps (git-config(1),
 * `url.<base>.insteadOf`), behind what the environment says of its configuration already.
 * @param rewrites pairs of the start of a URL, and what to ask in its place
 */
export function gitRewrites(
  environment: NodeJS.ProcessEnv,
  rewrites: readonly (readonly [from: string, to: string])[],
): NodeJS.ProcessEnv {
  const before = Number(environment["GIT_CONFIG_COUNT"] ?? "0") || 0;
  const variables: NodeJS.ProcessEnv = { GIT_CONFIG_COUNT: String(before + rewrites.length) };
  for (const [index, [from, to]] of rewrites.entries()) {
    variables[`GIT_CONFIG_KEY_${before + index}`] = `url.${to}.insteadOf`;
    variables[`GIT_CONFIG_VALUE_${before + index}`] = from;
  }
  return variables;
}
