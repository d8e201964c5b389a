import type { RegionArguments } from './arguments.ts'
import { type Trouble, troubles } from './cases.ts'
import type { RegionScene, Ways } from './scene.ts'

/** Goes through chains. */
const LARGE_BYTES = 10 << 20
/** Goes through shallow trees. */
const SMALL_BYTES = 2 << 20
/** What may come into a region, by the size of the content. */
const CROSSED_AT_MOST = 1.1
const TIMEOUT_MS = 60_000
/** The region that is cut off from the source's among few cases. */
const BRIEF_CUT = 2
/** So much has come to the server in question when it breaks, or to the last one where none does. */
const ARRIVED_BYTES = 1 << 20

const NO_TROUBLE: Trouble = {
  name: 'nothing broken',
  lost: [],
  cut: null,
  begin: async () => undefined,
  end: async () => undefined,
}

interface Case {
  readonly trouble: Trouble
  readonly when: 'before' | 'during'
  readonly bytes: number
  /** The next case is to find a master that knows nothing of this one. */
  readonly isForgotten: boolean
}

/** Runs all cases that were asked for; gives whether all came out as they must. */
export async function runCases(scene: RegionScene, args: RegionArguments): Promise<boolean> {
  await scene.settle(TIMEOUT_MS)
  const startedAt = performance.now()
  const cases = casesOf(scene, args).filter(({ trouble, when }) => {
    return args.only === null || args.only.test(`${trouble.name} ${when}`)
  })
  let [good, done] = [0, 0]
  for (const one of cases) {
    if (performance.now() - startedAt > args.seconds * 1000) break
    done++
    if (await runCase(scene, one)) good++
  }
  console.log(`${good} of ${done} good, ${cases.length - done} left out for want of time`)
  return good === done
}

function casesOf(scene: RegionScene, { isBrief }: RegionArguments): Case[] {
  const undisturbed = [LARGE_BYTES, SMALL_BYTES].map((bytes): Case => {
    return { trouble: NO_TROUBLE, when: 'before', bytes, isForgotten: false }
  })
  const isForgotten = !isBrief
  const all = troubles(scene).flatMap((trouble): Case[] => [
    { trouble, when: 'before', bytes: SMALL_BYTES, isForgotten },
    { trouble, when: 'before', bytes: LARGE_BYTES, isForgotten },
    { trouble, when: 'during', bytes: LARGE_BYTES, isForgotten },
  ])
  const last = scene.targets.at(-1)?.host.name ?? ''
  const few = all.filter(({ trouble, when, bytes }) => {
    const isLarge = bytes === LARGE_BYTES
    if (trouble.cut === BRIEF_CUT) return when === 'before' && !isLarge
    return (when === 'during') === isLarge && trouble.name.startsWith(last)
  })
  // A server that rests after its trouble is served beside others, and the region of the next case is not to be entered twice.
  const apart = few.map((one, index) => {
    return { ...one, isForgotten: few[index + 1]?.trouble.cut === BRIEF_CUT }
  })
  return [...undisturbed, ...(isBrief ? apart : all)]
}

async function runCase(scene: RegionScene, one: Case): Promise<boolean> {
  const { trouble, when, bytes } = one
  const what = `${trouble.name}, ${when}, ${bytes >> 20} MiB`
  const reachable = scene.targets.filter((target) => !trouble.lost.includes(target))
  const before = regionBytes(scene)
  try {
    const predicted = await scene.predicted(bytes, trouble)
    if (when === 'before') await trouble.begin()
    const startedAt = performance.now()
    await scene.change(bytes)
    if (when === 'during') {
      const cut = reachable.find(({ host }) => host.region === trouble.cut)
      await scene.arriving(trouble.lost[0] ?? cut ?? reachable[0] ?? scene.source, ARRIVED_BYTES)
      await trouble.begin()
    }
    await scene.identical(reachable, TIMEOUT_MS)
    const seconds = (performance.now() - startedAt) / 1000
    const crossed = crossings(scene, before, bytes)
    const ways = await scene.ways()
    const unlike = unlikeWays(scene, trouble, { predicted, real: ways })
    // What breaks while content is on its way may have to be sent again, as far as it had come.
    const isWithin = when === 'during' || crossed.every(({ share }) => share <= CROSSED_AT_MOST)
    const isGood = isWithin && unlike.length === 0
    const into = crossed.map(({ region, share }) => `${region}: ${share.toFixed(2)}`).join(' ')
    const verdict = isGood ? 'ok    ' : 'MISSED'
    const route = unlike.length === 0 ? 'route as predicted' : `UNLIKE ${unlike.join(', ')}`
    console.log(`${verdict} ${what}: ${seconds.toFixed(1)} s; into regions ${into}; ${route}`)
    return isGood
  } catch (thrown) {
    console.log(`FAILED ${what}: ${String(thrown)}`)
    return false
  } finally {
    await trouble.end()
    await scene.settle(2 * TIMEOUT_MS)
    // What it remembers for a minute of ways and servers in trouble is another trouble for the next case.
    if (one.isForgotten) {
      await scene.restartMaster()
      await scene.settle(2 * TIMEOUT_MS)
    }
  }
}

/**
 * Where targets were reached by others than predicted. Who of another region is the first to hold it nobody can tell before,
 * nor which attempts to reach a region that is cut off are under way then: there it counts from which region it is entered.
 */
function unlikeWays(
  scene: RegionScene,
  trouble: Trouble,
  { predicted, real }: { readonly predicted: Ways; readonly real: Ways },
): string[] {
  const reachable = scene.targets.filter((target) => !trouble.lost.includes(target))
  const [there, others] = [true, false].map((isCut) =>
    reachable.filter(({ host }) => (host.region === trouble.cut) === isCut).map(({ host }) => host),
  )
  const own = others?.flatMap(({ name }) => {
    const [said, done] = [predicted.get(name) ?? null, real.get(name) ?? null]
    return said === done ? [] : [`${name} by ${done ?? 'nobody'} instead of ${said ?? 'nobody'}`]
  })
  const entered = (ways: Ways): string => {
    const from = (there ?? []).map(({ name }) => scene.regionOf(ways.get(name) ?? null))
    const names = from.map((region) => (region === null ? 'nowhere' : `region-${region}`))
    return [...new Set(names)].filter((name) => name !== `region-${trouble.cut}`).join(' and ')
  }
  const [said, done] = [entered(predicted), entered(real)]
  return [...(own ?? []), ...(said === done ? [] : [`the region from ${done} instead of ${said}`])]
}

function regionBytes(scene: RegionScene): Map<number, number> {
  const regions = new Set(scene.targets.map(({ host }) => host.region))
  regions.delete(scene.source.host.region)
  return new Map([...regions].map((region) => [region, scene.network.bytesInto(region)]))
}

function crossings(scene: RegionScene, before: ReadonlyMap<number, number>, bytes: number) {
  const now = regionBytes(scene)
  return [...before].map(([region, from]) => {
    return { region, share: ((now.get(region) ?? 0) - from) / bytes }
  })
}
