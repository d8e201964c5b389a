import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { inOwnWorld } from './fleet/own-world.ts'
import { type NetworkPlan, RegionNetwork } from './network/region-network.ts'
import { regionArguments } from './regions/arguments.ts'
import { runRelayCases } from './regions/relay.ts'
import { runCases } from './regions/run.ts'
import { RegionScene } from './regions/scene.ts'

// A source and its targets on hosts of several regions and groups, with links between them that differ and break: each
// server and each link in turn, before a change and while it is on its way.

const WHOLE: NetworkPlan = {
  regions: 3,
  groups: 2,
  servers: 3,
  rates: { host: 200, group: 150, between: (one, other) => 40 + 20 * (one + other - 3) },
}
const BRIEF: NetworkPlan = { ...WHOLE, servers: 1 }

/** One chain, of which every link is as fast as every other. */
const CHAIN: NetworkPlan = {
  regions: 1,
  groups: 1,
  servers: 6,
  rates: { host: 100, group: 100, between: () => 100 },
}

await inOwnWorld()
const args = regionArguments(process.argv.slice(2))
const directory = mkdtempSync('/dev/shm/cd-regions-')
const network = await RegionNetwork.start(args.isRelay ? CHAIN : args.isBrief ? BRIEF : WHOLE)
let isGood = false
try {
  const scene = await RegionScene.start(join(directory, 'fleet'), network)
  try {
    isGood = await (args.isRelay ? runRelayCases : runCases)(scene, args)
  } finally {
    await scene.stop()
  }
} finally {
  network.stop()
  rmSync(directory, { recursive: true, force: true })
}
process.exit(isGood ? 0 : 1)
