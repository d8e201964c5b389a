import { DETECTION_TIMES } from '../../src/cms/detection-limits.ts'
import { Dice } from './dice.ts'
import { differences, isBlocked } from './rest.ts'
import type { Run } from './run-parts.ts'
import type { SimSource } from './sim-source.ts'
import type { World } from './world.ts'

const ROUNDS_TO_REST = 60

interface Resting {
  /** Files got further names. */
  readonly hasFurtherNames: boolean
  /** Gives what must hold between two steps and does not. */
  readonly check: () => string[]
}

/** Everything is whole again, and nobody works any more: gives what is not as it should be in the end. */
export async function comeToRest(run: Run, resting: Resting): Promise<string[]> {
  const { clock, world } = run
  const { sources, targets } = world
  // What was done to a file by a name that was gone before anyone looked is told by nobody: a scan finds it.
  for (const source of sources) await source.settle()
  if (resting.hasFurtherNames) clock.advance(DETECTION_TIMES.rescanMs)
  for (let round = 0; round < ROUNDS_TO_REST; round++) {
    for (const source of sources) await source.settle()
    const isDone = runJobs(run) || isStuck(world)
    const problems = resting.check()
    if (problems.length > 0) return problems
    if (isDone && !releaseAll(sources))
      return targets.flatMap((target) => differences(world, target))
  }
  const pending = targets.flatMap(({ bindings }) =>
    bindings.flatMap(({ index }) => index.pending()),
  )
  const what = pending.map(({ seq, path, code }) => `"${path}" ${seq} ${code}`)
  return [`it does not come to rest; pending: ${what.join(', ')}`]
}

/** True where there was nothing to do. */
function runJobs({ master, trace, world }: Run): boolean {
  const { sources, targets } = world
  const calm = new Dice(0)
  calm.oneIn = () => false
  for (const source of sources) master.hearSource(source)
  for (const target of targets) master.hearTarget(target, sources)
  const jobs = master.plan()
  for (const { sourceId, to, bindingIds } of jobs) {
    const source = sources.find((one) => one.name === sourceId)
    for (const target of targets) {
      const binding = target.bindings.find(({ bindingId }) => bindingIds.includes(bindingId))
      if (source === undefined || binding === undefined) continue
      const job = { binding, source: source.outbound, to: to.seq, meanwhile: () => undefined }
      trace.push(`at rest: ${binding.bindingId} up to ${to.seq}: ${target.receive(job, calm)}`)
    }
  }
  return jobs.length === 0
}

/** What targets lack still cannot come to them. */
function isStuck(world: World): boolean {
  return world.targets.every((target) =>
    target.bindings.every(({ order, index }) => {
      const isThere = index.watermark()?.seq === world.sources[order]?.journal.headSeq
      return isThere && index.pending().every((one) => isBlocked(world, target, one))
    }),
  )
}

/** At the end everything held goes; false where nothing is. */
function releaseAll(sources: readonly SimSource[]): boolean {
  const released = sources.map(({ journal }) => {
    const { hold } = journal
    return hold !== null && journal.resolveHold(hold.fingerprint, 'release')
  })
  return released.includes(true)
}
