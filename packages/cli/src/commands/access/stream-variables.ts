/** The variables by which the official client names what flags of the same meaning do. */
export const streamVariables = {
  hostname: "TUNNEL_SERVICE_HOSTNAME",
  destination: "TUNNEL_SERVICE_DESTINATION",
  url: "TUNNEL_SERVICE_URL",
} as const;
