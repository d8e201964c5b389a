import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AppError } from '../../src/core/base/errors.ts'
import { createAuthorityFiles, openAuthorityFiles } from '../../src/master/authority.ts'
import {
  type LicenseGate,
  type LimitKind,
  type MasterContext,
  SYSTEM_ACTOR,
} from '../../src/master/context.ts'
import { type MasterDatabase, openMasterDatabase } from '../../src/master/db/database.ts'
import { EventBus } from '../../src/master/events.ts'
import { AgentFleet } from '../../src/master/gateway/agent-fleet.ts'
import { type Gateway, startGateway } from '../../src/master/gateway/gateway.ts'
import { JobEngine } from '../../src/master/jobs/engine.ts'
import type { Policy } from '../../src/master/model.ts'
import { policyFields } from '../../src/master/policy-schema.ts'
import { createEnrollmentToken } from '../../src/master/use-cases/enrollment-tokens.ts'
import { createGroup } from '../../src/master/use-cases/groups.ts'
import { createPolicy } from '../../src/master/use-cases/policies.ts'
import { createRegion } from '../../src/master/use-cases/regions.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createDataDirectory, openDataDirectory } from '../../src/platform/data-dir.ts'
import { createLogger } from '../../src/platform/log.ts'
import { compilePatterns } from '../../src/platform/pattern.ts'

/** A licence whose state a test sets; the checks of real files have tests of their own. */
class FakeLicense implements LicenseGate {
  state: 'valid' | 'grace' | 'missing' = 'valid'
  limits: Partial<Record<LimitKind, number>> = {}
  readonly #listeners = new Set<() => void>()

  current() {
    const code = this.state === 'missing' ? 'LICENSE_MISSING' : null
    return { state: this.state, code, expiresAt: null, graceUntil: null }
  }

  assertLimit(kind: LimitKind, used: number): void {
    const limit = this.limits[kind]
    if (limit === undefined || used <= limit) return
    throw new AppError('LICENSE_LIMIT', `cannot use ${used} ${kind}: the licence allows ${limit}`)
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(state: 'valid' | 'grace' | 'missing'): void {
    this.state = state
    for (const listener of this.#listeners) listener()
  }
}

/** A master with real SQLite and a real gateway over TLS; only its licence is a fake. */
export interface TestMaster {
  readonly context: MasterContext
  readonly engine: JobEngine
  readonly fleet: AgentFleet
  readonly gateway: Gateway
  readonly license: FakeLicense
  readonly database: MasterDatabase
  readonly url: string
  /** Ends it as a stop does; the data folder stays. */
  stop(): Promise<void>
  /** Starts a new master on the same folder and port. */
  restart(): Promise<TestMaster>
}

const folders: string[] = []

/** Removes what the tests of a file made. */
export function removeMasterFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

export async function startTestMaster(): Promise<TestMaster> {
  const folder = mkdtempSync(join(tmpdir(), 'cd-master-test-'))
  folders.push(folder)
  const path = join(folder, 'data')
  await createDataDirectory(path, 'master', async (directory) => {
    await createAuthorityFiles(directory, Date.now())
  })
  return await startOn(path, 0)
}

async function startOn(path: string, port: number): Promise<TestMaster> {
  const directory = openDataDirectory(path, 'master')
  const database = await openMasterDatabase(directory.file('master.db'))
  const clock = systemClock
  const license = new FakeLicense()
  const installationId = 'installation-1'
  const authority = await openAuthorityFiles({ directory, installationId, nowMs: Date.now })
  const log = createLogger({ level: 'error' })
  const settings = { installationId, gatewayUrl: 'https://127.0.0.1:7401', version: '0.0.0' }
  const base = { database, clock, log, events: new EventBus(clock), authority, license, settings }
  const fleet = new AgentFleet(base)
  const engine = new JobEngine({ ...base, fleet })
  fleet.attach(engine)
  license.subscribe(() => {
    fleet.configChanged()
    engine.licenseChanged()
  })
  const checkPatterns = (patterns: readonly string[]) => {
    const compiled = compilePatterns(patterns)
    return compiled.ok ? null : compiled.error
  }
  const context: MasterContext = { ...base, fleet, jobs: engine, checkPatterns }
  await engine.start()
  const gateway = await startGateway(context, { hostname: '127.0.0.1', port, fleet })
  const stop = async () => {
    await gateway.stop()
    await engine.stop()
    await database.close()
  }
  const restart = async () => {
    await stop()
    return await startOn(path, gateway.port)
  }
  const url = `https://127.0.0.1:${gateway.port}`
  return { context, engine, fleet, gateway, license, database, url, stop, restart }
}

/** Makes a region with groups of these names; gives their ids by name. */
export async function makeGroups(
  master: TestMaster,
  names: readonly string[],
): Promise<Record<string, string>> {
  const region = await createRegion(master.context, SYSTEM_ACTOR, { name: `r-${names.join('-')}` })
  const ids: Record<string, string> = {}
  for (const name of names) {
    const group = await createGroup(master.context, SYSTEM_ACTOR, { name, regionId: region.id })
    ids[name] = group.id
  }
  return ids
}

/** Makes a token for a new host in a group. */
export async function makeToken(master: TestMaster, groupId: string, maxUses = 1): Promise<string> {
  const order = { groupId, roles: ['cms', 'cas', 'sm'] as const, expiresInS: 600, maxUses }
  const made = await createEnrollmentToken(master.context, SYSTEM_ACTOR, order)
  return made.token
}

/** Makes an enabled policy from a server's `/source` to `/target` on others. */
export async function makePolicy(
  master: TestMaster,
  fields: { source: string; targets: readonly string[] } & Record<string, unknown>,
): Promise<Policy> {
  const { source, targets, ...rest } = fields
  return await createPolicy(
    master.context,
    SYSTEM_ACTOR,
    policyFields.parse({
      name: 'web',
      enabled: true,
      sources: [{ serverId: source, path: '/source' }],
      targets: targets.map((serverId) => ({ serverId, path: '/target' })),
      ...rest,
    }),
  )
}
