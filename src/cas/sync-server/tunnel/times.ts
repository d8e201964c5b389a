export interface TunnelTimes {
  /** A sign of life on a registration so often: more often than an address translation forgets it. */
  readonly aliveMs: number
  /** After so many of these times without anything from the other side, it is gone. */
  readonly missedMax: number
  /** How long a connection waits for the tunnel that was asked for: less than whoever opened it waits. */
  readonly pairMs: number
}

export const TUNNEL_TIMES: TunnelTimes = { aliveMs: 5000, missedMax: 3, pairMs: 8000 }
