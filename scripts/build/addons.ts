import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { ADDON_PACKAGES, type AddonName, type Target } from '../../src/platform/addon-packages.ts'

/** Gives the file of an addon for a target. */
export type FindAddon = (name: AddonName, target: Target) => string

const ROOT = join(import.meta.dir, '../..')
/** Where the packages of all platforms are, so that the ordinary install stays small. */
const OTHERS = join(ROOT, '.bun/addons')

/** Makes sure that the addons of the targets are here, from the lock file, and gives the way to find them. */
export async function addonFinder(targets: readonly Target[]): Promise<FindAddon> {
  const names = Object.keys(ADDON_PACKAGES) as AddonName[]
  const needed = targets.flatMap((target) => names.map((name) => ADDON_PACKAGES[name][target]))
  if (needed.every((file) => installed(ROOT, file) !== null)) return finder([ROOT])
  if (!isCurrent() || !needed.every((file) => installed(OTHERS, file) !== null)) {
    await installAllPlatforms()
  }
  return finder([ROOT, OTHERS])
}

function finder(places: readonly string[]): FindAddon {
  return (name, target) => {
    const file = ADDON_PACKAGES[name][target]
    for (const place of places) {
      const found = installed(place, file)
      if (found !== null) return found
    }
    throw new Error(
      `the ${name} addon for ${target} is missing: ${file} is in no package of the lock file`,
    )
  }
}

function installed(place: string, file: string): string | null {
  const path = join(place, 'node_modules', file)
  return existsSync(path) ? path : null
}

function isCurrent(): boolean {
  const lock = join(OTHERS, 'bun.lock')
  return existsSync(lock) && readFileSync(lock).equals(readFileSync(join(ROOT, 'bun.lock')))
}

async function installAllPlatforms(): Promise<void> {
  mkdirSync(OTHERS, { recursive: true })
  for (const name of ['package.json', 'bun.lock'])
    copyFileSync(join(ROOT, name), join(OTHERS, name))
  const flags = ['--frozen-lockfile', '--ignore-scripts', '--production']
  const platforms = ['--os=*', '--cpu=*', '--libc=*']
  const install = Bun.spawn([process.execPath, 'install', ...flags, ...platforms], {
    cwd: OTHERS,
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const said = await new Response(install.stderr).text()
  if ((await install.exited) !== 0)
    throw new Error(`cannot install the addons of other platforms: ${said}`)
}
