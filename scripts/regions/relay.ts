import type { RegionArguments } from './arguments.ts'
import { type Trouble, killed, vanished } from './cases.ts'
import type { RegionScene, Server } from './scene.ts'

const BYTES = 256 << 20
/** What the others may take, by what all take where nothing breaks. */
const TIMES_AT_MOST = 1.5
/** How long a child may get nothing when its parent is gone. */
const ADOPTED_WITHIN_S = 3
const TIMEOUT_MS = 180_000
const LOOK_MS = 50
/** Less than comes in so much time where content comes, and more than signs of life take. */
const QUIET_BYTES = 100_000

/** A relay dies when half of a large file has passed it: how long the others take, and how long its child waits. */
export async function runRelayCases(scene: RegionScene, args: RegionArguments): Promise<boolean> {
  await scene.settle(TIMEOUT_MS)
  const undisturbed = await measure(scene, null)
  console.log(`nothing broken: ${scene.targets.length} targets in ${seconds(undisturbed.timeS)}`)
  let isGood = true
  for (const [index, kind] of [
    [0, killed],
    [2, killed],
    [2, vanished],
  ] as const) {
    const name = `relay ${index + 1} ${kind.name}`
    if (args.only !== null && !args.only.test(name)) continue
    const { timeS, gapS } = await measure(scene, { index, kind })
    const times = timeS / undisturbed.timeS
    const isHeld = times <= TIMES_AT_MOST && gapS <= ADOPTED_WITHIN_S
    isGood &&= isHeld
    const ratio = `${times.toFixed(2)} × undisturbed (at most ${TIMES_AT_MOST})`
    const gap = `its child got nothing for ${seconds(gapS)} (at most ${ADOPTED_WITHIN_S})`
    console.log(
      `${isHeld ? 'held  ' : 'MISSED'} ${name}: others in ${seconds(timeS)}, ${ratio}; ${gap}`,
    )
  }
  return isGood
}

function seconds(count: number): string {
  return `${count.toFixed(1)} s`
}

interface Death {
  readonly index: number
  readonly kind: (server: Server, scene: RegionScene) => Trouble
}

async function measure(scene: RegionScene, death: Death | null) {
  const chain = await chainOf(scene)
  const relay = death === null ? null : chain[death.index]
  const child = chain[(death?.index ?? 0) + 1]
  const trouble = relay && death ? death.kind(relay, scene) : null
  const startedAt = performance.now()
  let gapS = 0
  try {
    await scene.change(BYTES)
    if (relay && child && trouble) {
      await scene.arriving(relay, BYTES / 2)
      await trouble.begin()
      gapS = await longestPauseS(child)
    }
    await scene.identical(
      chain.filter((one) => one !== relay),
      TIMEOUT_MS,
    )
    return { timeS: (performance.now() - startedAt) / 1000, gapS }
  } finally {
    await trouble?.end()
    await scene.settle(TIMEOUT_MS)
    // Whoever was in trouble passes nothing on for a while, but that is not what is measured.
    await scene.restartMaster()
    await scene.settle(TIMEOUT_MS)
  }
}

/** The targets in the order in which content passes through them. */
async function chainOf(scene: RegionScene): Promise<Server[]> {
  const ways = await scene.predicted(BYTES, { lost: [], cut: null })
  const chain: Server[] = []
  let last = scene.source.host.name
  for (;;) {
    const next = scene.targets.find(({ host }) => ways.get(host.name) === last)
    if (next === undefined) return chain
    chain.push(next)
    last = next.host.name
  }
}

/** Looks at what comes to a server until nothing has come for a long time, or most of the content. */
async function longestPauseS({ host: { link } }: Server): Promise<number> {
  const [, inside] = link.ends
  const startedAt = performance.now()
  let [bytes, sinceAt, longestMs] = [link.bytesInto(inside), startedAt, 0]
  const untilBytes = bytes + BYTES / 4
  while (bytes < untilBytes && performance.now() - startedAt < TIMEOUT_MS) {
    await Bun.sleep(LOOK_MS)
    const now = link.bytesInto(inside)
    if (now - bytes < QUIET_BYTES) {
      longestMs = Math.max(longestMs, performance.now() - sinceAt)
      continue
    }
    bytes = now
    sinceAt = performance.now()
  }
  return Math.max(0, longestMs) / 1000
}
