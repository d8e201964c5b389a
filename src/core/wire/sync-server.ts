import { z } from 'zod'

import { agentMessage, hops, peer, resolveHold, targetConfig } from './control.ts'

/**
 * Lines of JSON between the agent and its Sync Server process: commands on the server's standard input, reports on its
 * standard output. When its standard input ends, the agent is gone and the Sync Server ends too.
 */
const id = z.string().min(1).max(64)

const configure = z.object({
  type: z.literal('configure'),
  serverId: id,
  listen: z.object({ host: z.string(), port: z.number().int().min(0).max(65535) }),
  /** PEM texts. */
  identity: z.object({ key: z.string(), certificate: z.string(), authority: z.string() }),
  ticketKey: z.record(z.string(), z.unknown()),
  leaseUntil: z.iso.datetime().nullable(),
  /** The `targets` of the last `config` message, already checked against the host's allow-list. */
  targets: z.array(targetConfig).max(100_000),
  /** The routing table: where the servers are reached to which streams are passed on. */
  peers: z.array(peer).max(100_000),
})
const stop = z.object({ type: z.literal('stop') })
export const syncServerCommand = z.discriminatedUnion('type', [configure, hops, resolveHold, stop])

const listening = z.object({ type: z.literal('listening'), port: z.number().int() })
const report = z.object({ type: z.literal('report'), message: agentMessage })
const failed = z.object({ type: z.literal('failed'), code: z.string(), message: z.string() })
export const syncServerReport = z.discriminatedUnion('type', [listening, report, failed])

export type SyncServerCommand = z.infer<typeof syncServerCommand>
export type SyncServerReport = z.infer<typeof syncServerReport>
