import type {
  AgentMessageOf,
  ChangeRecord,
  JobNode,
  MasterMessageOf,
  ReportedHold,
} from '../../src/core/wire/control.ts'
import { SYSTEM_ACTOR } from '../../src/master/context.ts'
import { policyFields } from '../../src/master/policy-schema.ts'
import { createEnrollmentToken } from '../../src/master/use-cases/enrollment-tokens.ts'
import { createGroup } from '../../src/master/use-cases/groups.ts'
import { createPolicy } from '../../src/master/use-cases/policies.ts'
import { createRegion } from '../../src/master/use-cases/regions.ts'
import { eventually } from './eventually.ts'
import { otherFolder } from './other-folder.ts'
import { ScriptedAgent, mustEnrol } from './scripted-agent.ts'
import type { TestAdmin } from './test-admin.ts'

/** Region, group and name of each host; the first one is the source of all. */
const HOSTS = [
  ['eu', 'origin', 'eu-origin-1'],
  ['eu', 'web', 'eu-web-1'],
  ['eu', 'web', 'eu-web-2'],
  ['us', 'web', 'us-web-1'],
  ['us', 'web', 'us-web-2'],
  ['ap', 'edge', 'ap-edge-1'],
] as const

/** A small fleet over real connections: agents that answer, one that is away, one whose disk is full. */
export interface SeededFleet {
  readonly policyIds: Readonly<Record<'website' | 'assets' | 'downloads', string>>
  readonly serverIds: Readonly<Record<string, string>>
  /** Has the source of a policy report more files, from which a job follows. */
  change(policy: 'website' | 'assets', count: number): void
  /** Has the source of `assets` hold deletions back; it does as it is told. */
  hold(count: number): void
  /** Has a target of `website` find strange files; it does as it is told. */
  strangers(count: number): void
  /** Has a target of `website` find another folder in the place of its root. */
  swapRoot(): void
  stop(): void
}

type Job = MasterMessageOf<'job'>

export async function seedFleet(admin: TestAdmin): Promise<SeededFleet> {
  const agents = await enrolAll(admin)
  const [origin] = [...agents.values()]
  if (origin === undefined) throw new Error('unreachable')
  const id = (name: string) => agents.get(name)?.serverId ?? ''
  const groups = await groupIds(admin)
  const make = (name: string, targets: readonly object[], more: object = {}) =>
    createPolicy(
      admin.context,
      SYSTEM_ACTOR,
      policyFields.parse({
        name,
        enabled: true,
        sources: [{ serverId: origin.serverId, path: `/srv/${name}` }],
        targets: targets.map((target) => ({ ...target, path: `/srv/${name}` })),
        ...more,
      }),
    )
  const website = await make('website', [
    { groupId: groups['eu/web'] },
    { groupId: groups['us/web'] },
    { serverId: id('ap-edge-1') },
  ])
  const assets = await make(
    'assets',
    [{ serverId: id('eu-web-1') }, { serverId: id('ap-edge-1') }],
    {
      filter: { include: [], exclude: ['\\.tmp$'], deleteExcluded: false },
    },
  )
  const downloads = await make('downloads', [{ groupId: groups['us/web'] }], { enabled: false })
  await eventually('the configuration', () => origin.config.sources.length === 3)
  for (const agent of agents.values()) await introduce(agent)
  agents.get('us-web-2')?.close()
  const heads = new Map<string, number>()
  const receiver = agents.get('eu-web-2') ?? missing()
  const isOfWebsite = ({ policyId }: { policyId: string }) => policyId === website.id
  let told = 0
  const fleet: SeededFleet = {
    policyIds: { website: website.id, assets: assets.id, downloads: downloads.id },
    serverIds: Object.fromEntries([...agents].map(([name, agent]) => [name, agent.serverId])),
    change: (policy, count) => {
      const policyId = policy === 'website' ? website.id : assets.id
      const from = heads.get(policyId) ?? 0
      heads.set(policyId, from + count)
      report(origin, { policyId, from, upTo: from + count, recordAt })
    },
    hold: (count) => {
      const from = heads.get(assets.id) ?? 0
      heads.set(assets.id, from + count)
      const order = { policyId: assets.id, from, upTo: from + count }
      const hold = holdOf(order)
      report(origin, { ...order, recordAt: (seq) => goneAt(seq, 'held'), hold })
    },
    strangers: (count) => {
      const { bindingId, policyId } = receiver.config.targets.find(isOfWebsite) ?? missing()
      const hold = strangeFiles(count)
      receiver.reportTarget(heads.get(website.id) ?? 0, { policyId, bindingId, hold })
    },
    swapRoot: () => {
      const swapped = agents.get('us-web-1') ?? missing()
      const { bindingId, policyId } = swapped.config.targets.find(isOfWebsite) ?? missing()
      const error = { code: 'ROOT_CHANGED', message: OTHER_FOLDER.message }
      const report = { policyId, bindingId, error, hold: OTHER_FOLDER }
      swapped.reportTarget(heads.get(website.id) ?? 0, report)
    },
    stop: () => {
      clearInterval(answering)
      for (const agent of agents.values()) agent.close()
    },
  }
  let answered = 0
  let resolved = 0
  let tried = 0
  const answering = setInterval(() => {
    const jobs = origin.of('job')
    for (const job of jobs.slice(answered)) answer(job, agents, assets.id)
    answered = jobs.length
    const asked = origin.of('resolveHold')
    for (const word of asked.slice(resolved)) {
      const from = heads.get(assets.id) ?? 0
      const upTo = from + 1
      heads.set(assets.id, upTo)
      report(origin, { policyId: assets.id, from, upTo, recordAt: (seq) => goneAt(seq, 'delete') })
      const position = { epoch: 'epoch-1', seq: upTo }
      const { requestId } = word
      origin.send({ type: 'holdResolved', requestId, outcome: 'done', position, error: null })
    }
    resolved = asked.length
    const trials = origin.of('tryFilter')
    for (const { requestId, exclude } of trials.slice(tried))
      origin.send(trialOf(requestId, exclude))
    tried = trials.length
    const words = receiver.of('resolveHold')
    for (const { requestId } of words.slice(told)) {
      const { bindingId, policyId } = receiver.config.targets.find(isOfWebsite) ?? missing()
      receiver.send({
        type: 'holdResolved',
        requestId,
        outcome: 'done',
        position: null,
        error: null,
      })
      receiver.reportTarget(heads.get(website.id) ?? 0, { policyId, bindingId, hold: null })
    }
    told = words.length
  }, 20)
  return fleet
}

/** Answers as a host whose folder holds pages, pictures and what editors leave. */
function trialOf(requestId: string, exclude: readonly string[]): AgentMessageOf<'filterTried'> {
  const kept = ['index.html', 'css/', 'css/site.css', 'images/', 'images/products/0001.jpg']
  const left = ['cache/', 'index.html.tmp', 'notes~']
  const passes = { files: 48_211, folders: 310, bytes: 5_368_709_120, sample: kept }
  const leftOut = { files: 17, folders: 2, bytes: 81_920, sample: left }
  const nothing = { files: 0, folders: 0, bytes: 0, sample: [] }
  const trial = { passes, leftOut: exclude.length > 0 ? leftOut : nothing, isWhole: true }
  return { type: 'filterTried', requestId, trial, error: null }
}

/** Says of every folder that nothing was received into it yet. */
async function introduce(agent: ScriptedAgent): Promise<void> {
  await eventually(
    'the configuration',
    () => agent.config.sources.length + agent.config.targets.length > 0,
  )
  for (const { policyId, bindingId } of agent.config.targets)
    agent.reportTarget(null, { policyId, bindingId })
}

async function enrolAll(admin: TestAdmin): Promise<Map<string, ScriptedAgent>> {
  const agents = new Map<string, ScriptedAgent>()
  const { context, master } = admin
  const regions = new Map<string, string>()
  const groups = new Map<string, string>()
  for (const [region, group, name] of HOSTS) {
    const regionId =
      regions.get(region) ?? (await createRegion(context, SYSTEM_ACTOR, { name: region })).id
    regions.set(region, regionId)
    const place = `${region}/${group}`
    const groupId =
      groups.get(place) ?? (await createGroup(context, SYSTEM_ACTOR, { name: group, regionId })).id
    groups.set(place, groupId)
    const order = { groupId, roles: ['cms', 'cas', 'sm'] as const, expiresInS: 600, maxUses: 1 }
    const { token } = await createEnrollmentToken(context, SYSTEM_ACTOR, order)
    const identity = await mustEnrol(master.url, token, name)
    const isHidden = name === 'ap-edge-1'
    const fields = isHidden ? { addresses: [], dialsOut: true } : {}
    const agent = await ScriptedAgent.connect(master.url, identity, fields)
    agent.send(FIGURES)
    agents.set(name, agent)
  }
  return agents
}

async function groupIds(admin: TestAdmin): Promise<Record<string, string>> {
  const regions = (await (await admin.call('admin', 'GET /regions')).json()) as { items: Named[] }
  const groups = (await (await admin.call('admin', 'GET /groups')).json()) as {
    items: (Named & { regionId: string })[]
  }
  return Object.fromEntries(
    groups.items.map((group) => [
      `${regions.items.find(({ id }) => id === group.regionId)?.name}/${group.name}`,
      group.id,
    ]),
  )
}

const FIGURES = {
  type: 'figures',
  at: '2026-01-01T00:00:00.000Z',
  cpuPercent: 37.4,
  memoryPercent: 61.2,
  sessions: 128,
  load1: 0.7,
  diskFreeBytes: 412_316_860_416,
  txBytes: 1_000_000,
  rxBytes: 2_000_000,
} as const

interface Named {
  readonly id: string
  readonly name: string
}

interface Report {
  readonly policyId: string
  readonly from: number
  readonly upTo: number
  readonly recordAt: (seq: number) => ChangeRecord
  readonly hold?: ReportedHold
}

const FOLDERS = ['', 'css/', 'images/products/', 'downloads/2026/', 'fonts/']
const SIZES = [1800, 42_000, 5_300_000, 96, 240_000]

function report(origin: ScriptedAgent, order: Report): void {
  const { policyId, from, upTo, hold = null } = order
  const source = origin.config.sources.find((candidate) => candidate.policyId === policyId)
  if (source === undefined) throw new Error(`no source of policy ${policyId}`)
  const records = Array.from({ length: upTo - from }, (_, index) =>
    order.recordAt(from + index + 1),
  )
  const { sourceId } = source
  for (let start = 0; start < records.length; start += 500) {
    const part = records.slice(start, start + 500)
    const last = part.at(-1)?.seq ?? upTo
    origin.send({
      type: 'changes',
      policyId,
      sourceId,
      epoch: 'epoch-1',
      from: from + start,
      upTo: last,
      records: part,
    })
  }
  const size = { fileCount: upTo, totalBytes: upTo * 48_000 }
  origin.reportSource(upTo, { policyId, sourceId, ...size, hold })
}

function recordAt(seq: number): ChangeRecord {
  const size = SIZES[seq % SIZES.length] ?? 0
  const path = `${FOLDERS[seq % FOLDERS.length]}page-${String(seq).padStart(4, '0')}.html`
  return {
    seq,
    path,
    from: null,
    operation: 'create',
    type: 'file',
    size,
    mtimeNs: '1',
    hash: null,
  }
}

function goneAt(seq: number, operation: 'held' | 'delete'): ChangeRecord {
  return { ...recordAt(seq), operation, type: null, size: 0, mtimeNs: null }
}

function holdOf({ from, upTo }: { from: number; upTo: number }): ReportedHold {
  const deletes = upTo - from
  return {
    code: 'MAX_DELETE',
    message: `${deletes} files are gone or empty at the source, which is more than 25 % within 60 s`,
    since: new Date(Date.now() - 90_000).toISOString(),
    fingerprint: `held-${upTo}`,
    from,
    to: upTo,
    deletes,
    updates: 0,
    bytes: deletes * 48_000,
    sample: Array.from({ length: Math.min(deletes, 8) }, (_, i) => recordAt(from + i + 1).path),
  }
}

const OTHER_FOLDER = otherFolder(
  new Date(Date.now() - 600_000).toISOString(),
  'cannot write below "/srv/website": it is not the folder that was received into before',
)

function strangeFiles(count: number): ReportedHold {
  const sample = ['.htaccess', 'css/own.css', 'images/logo-of-the-branch.svg', 'notes/2019.txt']
  return {
    code: 'FIRST_CONTACT',
    message: `${count} files lie there that the source has not put there`,
    since: new Date(Date.now() - 300_000).toISOString(),
    fingerprint: `strange-${count}`,
    from: 0,
    to: 0,
    deletes: count - 1,
    updates: 1,
    bytes: count * 12_000,
    sample,
  }
}

function missing(): never {
  throw new Error('unreachable')
}

/** A target whose agent may not set owners, on a file system without access lists. */
function notesOf(upTo: number): AgentMessageOf<'targetReport'>['notes'] {
  const [owners, lists] = [{ code: 'OWNER_REFUSED' }, { code: 'ACLS_UNSUPPORTED' }]
  return {
    counts: [
      { ...owners, count: upTo },
      { ...lists, count: 1 },
    ],
    newest: [owners, lists].map(({ code }) => ({ seq: upTo, path: 'any', code })),
  }
}

/** Every node of a tree, with the server that sends to it. */
function hopsOf(sender: string, nodes: readonly JobNode[]): [string, JobNode][] {
  return nodes.flatMap((node) => [[sender, node], ...hopsOf(node.serverId, node.children)])
}

/** Carries a job out as agents would, but for the target whose disk is full. */
function answer(job: Job, agents: Map<string, ScriptedAgent>, fullPolicyId: string): void {
  const byId = new Map([...agents.values()].map((agent) => [agent.serverId, agent]))
  for (const [sender, child] of hopsOf([...byId.keys()][0] ?? '', job.children)) {
    const origin = byId.get(sender)
    const target = byId.get(child.serverId)
    const full = job.policyId === fullPolicyId && target === agents.get('ap-edge-1')
    const only: Job = { ...job, children: [child] }
    origin?.reportJob(only, 'running', { bytesOnWire: 0, entriesApplied: 0 })
    const pending = full
      ? [
          {
            seq: 2,
            path: 'images/products/page-0002.html',
            code: 'NO_SPACE',
            message: 'cannot write "page-0002.html": no space left on device',
          },
        ]
      : []
    target?.reportTarget(job.to, {
      policyId: job.policyId,
      bindingId: child.bindingId,
      pendingCount: pending.length,
      pending,
      ...(target === agents.get('ap-edge-1') && { notes: notesOf(job.to) }),
    })
    origin?.reportJob(only, 'done', {
      bytesOnWire: job.to * 16_000,
      entriesApplied: job.to,
      entriesFailed: pending.length,
    })
  }
}
