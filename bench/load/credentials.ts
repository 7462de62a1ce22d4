/** @returns what origins here answer at `/credentials`: the assertion and the cookie that came */
export function credentialsIn(head: string): string {
  const fieldIn = (name: string) => new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1] ?? "";
  return `assertion=${fieldIn("cf-access-jwt-assertion")}\ncookie=${fieldIn("cookie")}\n`;
}
