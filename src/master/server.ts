import { toAppError } from '../core/base/errors.ts'
import type { Clock } from '../platform/clock.ts'
import { systemClock } from '../platform/clock.ts'
import type { DataDirectory } from '../platform/data-dir.ts'
import type { Logger } from '../platform/log.ts'
import { compilePatterns } from '../platform/pattern.ts'
import { VERSION } from '../platform/version.ts'
import type { AdminContext } from './api/context.ts'
import { type Authority, openAuthorityFiles } from './authority.ts'
import type { MasterDatabase } from './db/database.ts'
import { pruneHistory } from './db/prune.ts'
import { EventBus } from './events.ts'
import { AgentFleet } from './gateway/agent-fleet.ts'
import { JobEngine } from './jobs/engine.ts'
import { openInstallation } from './license/installation.ts'
import { LicenseService } from './license/license-service.ts'
import { warnOfCertificates } from './use-cases/agent-certificates.ts'

export interface MasterParts {
  readonly directory: DataDirectory
  readonly database: MasterDatabase
  readonly installationId: string
  readonly log: Logger
  readonly gatewayUrl: string
  readonly clock?: Clock
}

/** A master without its listeners: everything they and the use cases work on. */
export interface Master {
  readonly context: AdminContext
  readonly fleet: AgentFleet
  /** Takes up what was under way, and follows time until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

const MINUTE_MS = 60_000
const PRUNE_EVERY_MINUTES = 60
const WARN_EVERY_MINUTES = 24 * 60
/** An agent's lease is renewed long before it ends. */
const LEASE_EVERY_MINUTES = 10

/** Puts the parts of a master together. */
export async function createMaster(parts: MasterParts): Promise<Master> {
  const { directory, database, installationId, log, gatewayUrl, clock = systemClock } = parts
  const nowMs = () => clock.nowMs()
  const authority: Authority = await openAuthorityFiles({ directory, installationId, nowMs })
  const installation = await openInstallation(directory, installationId)
  const license = await LicenseService.open({ database, installation, clock, log })
  const events = new EventBus(clock)
  const settings = { installationId, gatewayUrl, version: VERSION }
  const base = { database, clock, log, events, authority, license, settings }
  const fleet = new AgentFleet(base)
  const jobs = new JobEngine({ ...base, fleet })
  fleet.attach(jobs)
  const checkPatterns = (patterns: readonly string[]) => {
    const compiled = compilePatterns(patterns)
    return compiled.ok ? null : compiled.error
  }
  const context: AdminContext = { ...base, fleet, jobs, checkPatterns, licensing: license }
  const unsubscribe = license.subscribe(() => {
    const { state, code } = license.current()
    events.publish({ type: 'license', objectId: installationId, data: { state, code } })
    fleet.configChanged()
    jobs.licenseChanged()
  })
  return {
    context,
    fleet,
    run: async (signal) => {
      await jobs.start()
      await Promise.all([license.watch(signal), housekeep(context, { fleet, signal })])
    },
    stop: async () => {
      unsubscribe()
      await jobs.stop()
    },
  }
}

/** What has to be done from time to time: who is there, leases, history that is over. */
async function housekeep(
  context: AdminContext,
  { fleet, signal }: { fleet: AgentFleet; signal: AbortSignal },
): Promise<void> {
  for (let minute = 0; !signal.aborted; minute++) {
    try {
      await fleet.noteSeen(fleet.connectedIds())
      if (minute % LEASE_EVERY_MINUTES === 0) fleet.configChanged()
      if (minute % PRUNE_EVERY_MINUTES === 0) await pruneHistory(context)
      if (minute % WARN_EVERY_MINUTES === 0) await warnOfCertificates(context)
    } catch (thrown) {
      context.log.error('housekeeping failed', { error: toAppError(thrown) })
    }
    await context.clock.sleep(MINUTE_MS, signal)
  }
}
