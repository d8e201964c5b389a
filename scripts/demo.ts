import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { compareTrees } from './fleet/compare-trees.ts'
import { REPOSITORY } from './fleet/executables.ts'
import { Fleet } from './fleet/fleet.ts'
import { distribute, folderOf } from './fleet/policy.ts'

/** Packages of this checkout that serve as the demo's files: thousands, made by others, of every size. */
const DEMO_PACKAGES = ['drizzle-orm', 'hono', 'zod', 'jose', 'typescript', '@libsql']

const FOLDER = 'site'
const once = process.argv.includes('--once')
const demoFolder = join(REPOSITORY, '.demo')

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const value = await work()
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(2).padStart(7)} s  ${what}`)
  return value
}

async function build(): Promise<void> {
  const child = Bun.spawn([process.execPath, 'scripts/build.ts'], {
    cwd: REPOSITORY,
    stdout: 'ignore',
    stderr: 'inherit',
  })
  if ((await child.exited) !== 0) throw new Error('the executables could not be built')
}

async function makeFleet(): Promise<Fleet> {
  const fleet = new Fleet(demoFolder)
  await fleet.initialize()
  await fleet.startMaster()
  const [near, far] = [await fleet.addGroup('near'), await fleet.addGroup('far')]
  await fleet.addAgent('source', near)
  await fleet.addAgent('target-1', near)
  await fleet.addAgent('target-2', far)
  return fleet
}

function makeTrees(fleet: Fleet): string[] {
  const folders = fleet.agents.map((agent) => folderOf(fleet, agent, FOLDER))
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  for (const name of DEMO_PACKAGES) {
    const from = join(REPOSITORY, 'node_modules', name)
    cpSync(from, join(folders[0] ?? '', name), { recursive: true, verbatimSymlinks: true })
  }
  return folders
}

function edit(source: string): void {
  writeFileSync(join(source, 'hello.txt'), 'a new file\n')
  appendFileSync(join(source, 'hono', 'package.json'), '\n')
  renameSync(join(source, 'zod'), join(source, 'zod-renamed'))
  rmSync(join(source, 'jose', 'package.json'))
}

async function distributeTree(fleet: Fleet): Promise<{ policyId: string; folders: string[] }> {
  const folders = await step('a tree of real files is copied into the source folder', async () =>
    makeTrees(fleet),
  )
  const [source, ...targets] = fleet.agents
  if (source === undefined) throw new Error('the fleet has no source')
  const policyId = await step(
    'a realtime policy is made and the tree arrives on both targets',
    async () => {
      const id = await distribute(fleet, { name: 'demo', source, targets, folder: FOLDER })
      await fleet.converged(id, 300_000)
      return id
    },
  )
  return { policyId, folders }
}

/** The policy counts as converged until the edit is noticed, so the trees themselves are waited for. */
async function identical(folders: readonly string[]): Promise<string[]> {
  const [source = '', ...targets] = folders
  const deadline = performance.now() + 60_000
  for (;;) {
    const differences = targets.flatMap((target) => compareTrees(source, target))
    if (differences.length === 0 || performance.now() > deadline) return differences
    await Bun.sleep(100)
  }
}

function invite(fleet: Fleet, folders: readonly string[]): void {
  const [source = '', target = ''] = folders
  console.log(`
The admin tool   ${fleet.adminUrl}
  sign in as     admin, password ${fleet.password}
The source       ${source}
Try              echo hello > ${source}/try.txt && sleep 0.2 && cat ${target}/try.txt

Ctrl-C stops everything.`)
}

async function untilInterrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

async function main(): Promise<number> {
  rmSync(demoFolder, { recursive: true, force: true })
  await step('the executables are built', build)
  const fleet = await step('authority, licence, master and three agents are up', makeFleet)
  try {
    const { folders } = await distributeTree(fleet)
    const differences = await step('four edits arrive and the three trees are compared', () => {
      edit(folders[0] ?? '')
      return identical(folders)
    })
    for (const difference of differences) console.log(`  ${difference}`)
    console.log(differences.length === 0 ? 'The three trees are identical.' : 'The trees differ.')
    if (!once) {
      invite(fleet, folders)
      await untilInterrupted()
    }
    return differences.length === 0 ? 0 : 1
  } finally {
    await fleet.stop()
  }
}

process.exit(await main())
