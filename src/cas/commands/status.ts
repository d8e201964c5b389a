import { AppError } from '../../core/base/errors.ts'
import { defineCommand } from '../../platform/cli-command.ts'
import { path, required, text, wholeNumber } from '../../platform/cli-options.ts'
import { systemClock } from '../../platform/clock.ts'
import { openDataDirectory } from '../../platform/data-dir.ts'
import { whyNotCaughtUp } from '../agent/caught-up.ts'
import { readStatus } from '../agent/status-file.ts'
import type { AgentStatus } from '../agent/status.ts'
import { STATUS_FILE } from '../data-files.ts'
import { loadIdentity } from '../identity.ts'

const POLL_MS = 200
const GAPS_SHOWN = 3

/** `cd-agent status`: what the agent on this host knows of itself. */
export const statusCommand = defineCommand({
  name: 'status',
  summary: 'Show what the agent on this host does',
  description: [
    'Exits 1 where no agent runs on the data folder. With --policy, exits 0 only if everything of that policy on this ' +
      'host is settled: its sources scanned and recorded by the master, its targets with nothing left to apply.',
  ],
  options: {
    dir: required(path('DIR', 'The data folder of the agent')),
    policy: text('P', 'The id of a policy'),
    wait: wholeNumber('Seconds to wait for the policy to settle', { min: 0, max: 86_400 }),
  },
  printsData: true,
  examples: ['cd-agent status --dir /var/lib/cd-agent --json'],
  run: async ({ dir, policy, wait }, { show, signal }) => {
    if (wait !== undefined && policy === undefined)
      throw new AppError('USAGE', '--wait needs --policy')
    const directory = openDataDirectory(dir, 'agent')
    const { name, serverId } = loadIdentity(directory)
    const file = directory.file(STATUS_FILE)
    const untilMs = systemClock.nowMs() + (wait ?? 0) * 1000
    for (;;) {
      const nowMs = systemClock.nowMs()
      const status = readStatus(file, nowMs)
      const open = policy === undefined ? null : settledOrWhyNot(status, policy)
      const isOver = open === null || nowMs >= untilMs || signal.aborted
      if (!isOver) {
        await systemClock.sleep(POLL_MS, signal)
        continue
      }
      if (status === null)
        show({ running: false, name, serverId }, `${name} (${serverId}): not running`)
      else
        show({ running: true, ...status, ...(policy && { waitingFor: open }) }, lines(status, open))
      return status === null || open !== null ? 1 : 0
    }
  },
})

function settledOrWhyNot(status: AgentStatus | null, policy: string): string | null {
  return status === null ? 'the agent does not run' : whyNotCaughtUp(status, policy)
}

function lines(status: AgentStatus, open: string | null): string {
  const { connection, lease, name, serverId, syncServer } = status
  return [
    `${name} (${serverId}): ${connectionWords(connection)}`,
    `lease: ${lease.until === null ? 'none' : `until ${lease.until}`}${lease.holds ? '' : ', nothing is synchronized'}`,
    ...(syncServer ? [`sync server: ${syncServerWords(syncServer)}`] : []),
    ...status.sources.map(sourceLine),
    ...status.targets.map(targetLine),
    ...(open === null ? [] : [`waiting: ${open}`]),
  ].join('\n')
}

function connectionWords(connection: AgentStatus['connection']): string {
  const { error, master, since, state } = connection
  if (state === 'connected') return `connected to ${master} since ${since}`
  return error === null ? state : `${state}: ${error.message} [${error.code}]`
}

function syncServerWords(server: NonNullable<AgentStatus['syncServer']>): string {
  if (server.pid === null) return 'being started again'
  const { port, registeredCount } = server
  if (registeredCount === null) return `port ${port ?? 'not open yet'}`
  const peers = registeredCount === 1 ? '1 peer' : `${registeredCount} peers`
  return `dials out only, reached through ${peers}`
}

function sourceLine(source: AgentStatus['sources'][number]): string {
  const complete =
    source.completeAt === null ? 'first scan running' : `complete up to ${source.completeAt}`
  const gaps = source.gaps.slice(0, GAPS_SHOWN).map(gapWords).join('')
  const state = source.error === null ? `${complete}${gaps}` : errorWords(source.error)
  const seqs = `head ${source.headSeq}, recorded ${source.recordedSeq}`
  const held = heldWords(source.hold)
  return `source ${source.path}: ${seqs}, ${source.fileCount} files, ${state}${held} (policy ${source.policyId})`
}

function gapWords({ path, since, reason }: AgentStatus['sources'][number]['gaps'][number]): string {
  return `, gap at ${path === '' ? 'everything' : `"${path}"`} since ${since}: ${reason}`
}

function targetLine(target: AgentStatus['targets'][number]): string {
  const applied =
    target.appliedSeq === null ? 'nothing applied yet' : `applied ${target.appliedSeq}`
  const pending = target.pendingCount === 0 ? '' : `, ${target.pendingCount} pending`
  const notes = target.notes.map(({ code, count }) => `, ${count} without all: ${code}`).join('')
  const error = target.error === null ? '' : `, ${errorWords(target.error)}`
  const held = heldWords(target.hold)
  return `target ${target.path}: ${applied}${pending}${notes}${held}${error} (policy ${target.policyId})`
}

function heldWords(hold: AgentStatus['targets'][number]['hold']): string {
  return hold === null ? '' : `, held: ${errorWords(hold)}`
}

function errorWords(error: { readonly code: string; readonly message: string }): string {
  return `${error.message} [${error.code}]`
}
