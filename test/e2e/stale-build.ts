import { statSync } from 'node:fs'
import { join } from 'node:path'

import { Glob } from 'bun'

import { REPOSITORY } from '../../scripts/fleet/executables.ts'

const PROGRAMS = ['cd-master', 'cd-agent', 'cd-license']
const SOURCES = ['package.json', 'bun.lock', '{src,views,migrations}/**/*', 'scripts/build/*']

/** Builds this machine's executables where one is missing or older than a source. */
export async function buildIfStale(): Promise<void> {
  if (oldestProgramMs() > newestSourceMs()) return
  const build = Bun.spawn([process.execPath, 'scripts/build.ts'], {
    cwd: REPOSITORY,
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const said = await new Response(build.stderr).text()
  if ((await build.exited) !== 0) throw new Error(`the executables could not be built: ${said}`)
}

function oldestProgramMs(): number {
  const times = PROGRAMS.map((name) =>
    statSync(join(REPOSITORY, 'dist', name), { throwIfNoEntry: false }),
  )
  return Math.min(...times.map((stats) => stats?.mtimeMs ?? 0))
}

function newestSourceMs(): number {
  const files = SOURCES.flatMap((pattern) => [...new Glob(pattern).scanSync(REPOSITORY)])
  return Math.max(...files.map((file) => statSync(join(REPOSITORY, file)).mtimeMs))
}
