import { LEASE_HOURS } from '../../core/base/limits.ts'
import type { AgentConfig } from '../../core/wire/control.ts'
import { iso } from '../../platform/clock.ts'
import type { MasterContext } from '../context.ts'
import { readSetting, writeSetting } from '../db/settings.ts'
import { type ConfigBody, buildConfigs } from './agent-configs.ts'

const HOUR_MS = 3_600_000
/** Changes that come together go out together. */
const GATHER_MS = 2
const REVISION_KEY = 'configRevision'

export type ConfigContext = Pick<
  MasterContext,
  'database' | 'clock' | 'log' | 'authority' | 'license'
>

/** Where configurations go. */
export interface ConfigReceivers {
  connectedIds(): readonly string[]
  deliver(serverId: string, config: AgentConfig): void
}

/** Keeps every connected agent's configuration true: sends it at its coming and whenever it differs from the last one. */
export class ConfigSender {
  readonly #context: ConfigContext
  readonly #receivers: ConfigReceivers
  /** What each connected agent was told last, to tell only what is new. */
  readonly #told = new Map<string, string>()
  #due: Promise<void> | null = null
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(context: ConfigContext, receivers: ConfigReceivers) {
    this.#context = context
    this.#receivers = receivers
  }

  /** Something changed: sends what is new to whom it concerns, soon. */
  changed(): void {
    if (!this.#stopped) this.#due ??= this.#gather()
  }

  /** Ends sending; what is under way is finished. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.settled()
  }

  /** An agent connected: it is told whatever it was told before. Resolves when that is handed over. */
  async connected(serverId: string): Promise<void> {
    this.#told.delete(serverId)
    await this.#sendNow([serverId])
  }

  disconnected(serverId: string): void {
    this.#told.delete(serverId)
  }

  /** Resolves when all that was due is handed over. */
  async settled(): Promise<void> {
    await this.#due
    await this.#running
  }

  async #gather(): Promise<void> {
    await Bun.sleep(GATHER_MS)
    this.#due = null
    await this.#sendNow(null)
  }

  /** One sending after the other, so that an older state never overtakes a newer one. Null: to all. */
  async #sendNow(serverIds: readonly string[] | null): Promise<void> {
    const run = this.#running.then(() => this.#send(serverIds))
    this.#running = run.catch((thrown: unknown) => {
      this.#context.log.error('sending configurations failed', { error: thrown })
    })
    await this.#running
  }

  async #send(only: readonly string[] | null): Promise<void> {
    const { database, authority } = this.#context
    const serverIds = only ?? this.#receivers.connectedIds()
    const configs = await buildConfigs(database.read, serverIds, authority)
    const leaseUntil = leaseEnd(this.#context)
    const news: { serverId: string; body: ConfigBody; key: string }[] = []
    for (const [serverId, body] of configs) {
      const key = keyOf(body, leaseUntil)
      if (this.#told.get(serverId) !== key) news.push({ serverId, body, key })
    }
    if (news.length === 0) return
    const revision = await this.#nextRevision()
    const common = { authorityPem: authority.certificate, leaseUntil }
    for (const { serverId, body, key } of news) {
      this.#told.set(serverId, key)
      const ticketKey = { ...authority.tickets.publicKey }
      this.#receivers.deliver(serverId, { type: 'config', revision, ...body, ...common, ticketKey })
    }
  }

  /** Grows with every sending, and with time, so that it grows even where the database was restored from a backup. */
  async #nextRevision(): Promise<number> {
    const { database, clock } = this.#context
    return await database.write(async (writer) => {
      const last = await readSetting(writer, REVISION_KEY)
      const revision = Math.max(typeof last === 'number' ? last + 1 : 0, clock.nowMs())
      await writeSetting(writer, { key: REVISION_KEY, value: revision })
      return revision
    })
  }
}

/** How far a source's changes are recorded moves all the time and matters only at the start of a connection. */
function keyOf(body: ConfigBody, leaseUntil: string | null): string {
  const sources = body.sources.map((source) => ({ ...source, known: null }))
  return JSON.stringify([{ ...body, sources }, leaseUntil])
}

/**
 * Until when agents may synchronize without hearing from us: 72 h, in steps of an hour so that it is not sent all the
 * time, and never beyond the licence and its grace. Null without a valid licence.
 */
export function leaseEnd(context: Pick<ConfigContext, 'clock' | 'license'>): string | null {
  const { state, expiresAt, graceUntil } = context.license.current()
  if (state !== 'valid' && state !== 'grace') return null
  const end = graceUntil ?? expiresAt
  const leaseMs = Math.floor(context.clock.nowMs() / HOUR_MS + LEASE_HOURS) * HOUR_MS
  return iso(end === null ? leaseMs : Math.min(leaseMs, Date.parse(end)))
}
