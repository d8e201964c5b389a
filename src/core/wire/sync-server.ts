import { z } from 'zod'

import { REGISTRATIONS_MAX } from '../base/limits.ts'
import { agentMessage, cancelJob, hops, peer, resolveHold, targetConfig } from './control.ts'

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
  /** This host cannot be reached: it is registered with its peers, who reach it by the connections that it keeps. */
  dialsOut: z.boolean().default(false),
})
const stop = z.object({ type: z.literal('stop') })
export const syncServerCommand = z.discriminatedUnion('type', [
  configure,
  hops,
  cancelJob,
  resolveHold,
  stop,
])

const listening = z.object({ type: z.literal('listening'), port: z.number().int() })
/** Ports on this host at which servers are reached that only dial out, and with how many peers this one is registered. */
const reach = z.object({
  type: z.literal('reach'),
  ways: z.array(z.object({ serverId: id, port: z.number().int() })).max(REGISTRATIONS_MAX),
  registeredCount: z.number().int(),
})
const report = z.object({ type: z.literal('report'), message: agentMessage })
const failed = z.object({ type: z.literal('failed'), code: z.string(), message: z.string() })
export const syncServerReport = z.discriminatedUnion('type', [listening, reach, report, failed])

export type SyncServerCommand = z.infer<typeof syncServerCommand>
export type SyncServerReport = z.infer<typeof syncServerReport>
export type ReachReport = Omit<Extract<SyncServerReport, { type: 'reach' }>, 'type'>
