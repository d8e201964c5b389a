// Builds the executables: `bun run build [--target=bun-linux-x64|…|all]`, see `usage`.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import description from '../package.json' with { type: 'json' }
import { TARGETS, type Target } from '../src/platform/addon-packages.ts'
import { type FindAddon, addonFinder } from './build/addons.ts'
import { hostTarget } from './build/host-target.ts'
import { buildProgram } from './build/program.ts'

const usage = `usage: bun run build [--target=TARGET|all] [--outdir=DIR]
  TARGET   ${TARGETS.map((target) => `bun-${target}`).join(', ')}
Without a target, this machine's executables are written straight into DIR (dist), else into DIR/TARGET.`

const PROGRAMS = {
  'cd-master': 'src/master.ts',
  'cd-agent': 'src/agent.ts',
  'cd-license': 'src/license.ts',
} as const

class UsageError extends Error {}

function chosenTargets(name: string | undefined): readonly Target[] {
  if (name === undefined) return [hostTarget()]
  if (name === 'all') return TARGETS
  const target = TARGETS.find((candidate) => `bun-${candidate}` === name)
  if (target === undefined) throw new UsageError(`unknown target "${name}"`)
  return [target]
}

async function buildTarget(target: Target, folder: string, findAddon: FindAddon): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const [name, entry] of Object.entries(PROGRAMS)) {
    const startMs = performance.now()
    const file = join(folder, target === 'windows-x64' ? `${name}.exe` : name)
    const bytes = await buildProgram({ entry, file, target, findAddon })
    const took = Math.round(performance.now() - startMs)
    console.log(`${file}  ${(bytes / 1e6).toFixed(1)} MB  ${took} ms`)
  }
}

/** The runtime is part of what is built: another version would be another product. */
function requirePinnedBun(): void {
  const pinned = description.packageManager.slice('bun@'.length)
  if (Bun.version === pinned) return
  throw new Error(`this is Bun ${Bun.version}, executables are built with ${pinned}`)
}

async function main(): Promise<void> {
  requirePinnedBun()
  const { values } = parseArgs({
    options: { target: { type: 'string' }, outdir: { type: 'string', default: 'dist' } },
  })
  const targets = chosenTargets(values.target)
  const findAddon = await addonFinder(targets)
  for (const target of targets) {
    const folder =
      values.target === undefined ? values.outdir : join(values.outdir, `bun-${target}`)
    await buildTarget(target, folder, findAddon)
  }
}

try {
  await main()
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && 'code' in error)
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`)
  if (isUsage) console.error(usage)
  process.exit(isUsage ? 2 : 1)
}
