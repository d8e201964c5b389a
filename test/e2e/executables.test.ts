import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import description from '../../package.json' with { type: 'json' }
import { REPOSITORY, type Finished, type ProgramName } from '../../scripts/fleet/executables.ts'
import { isolation } from './isolation.ts'
import { buildIfStale } from './stale-build.ts'

const PROGRAMS: readonly ProgramName[] = ['cd-master', 'cd-agent', 'cd-license']
const MINUTE_MS = 60_000

/** Code that nobody asked for leaves this file behind where it runs. */
const TRACE = 'hostile-code-ran'
const HOSTILE = `require('node:fs').writeFileSync(process.env.TRACE_FILE, 'x')`

describe('the executables, in a folder with nothing else', () => {
  const base = mkdtempSync(join(tmpdir(), 'cd-executables-'))
  const [home, temporary, work] = ['home', 'tmp', 'work'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ]
  const wrap = isolation({ hidden: REPOSITORY, noexec: temporary })

  beforeAll(async () => {
    await buildIfStale()
    for (const folder of [home, temporary, work]) mkdirSync(folder)
    for (const program of PROGRAMS) {
      cpSync(join(REPOSITORY, 'dist', program), join(base, program))
    }
    writeFileSync(join(work, 'evil.js'), HOSTILE)
    writeFileSync(join(work, 'bunfig.toml'), 'preload = ["./evil.js"]\n')
    writeFileSync(join(work, '.env'), 'BUN_OPTIONS="--preload ./evil.js"\n')
    writeFileSync(join(work, 'package.json'), '{"name": "evil", "main": "./evil.js"}')
    writeFileSync(join(work, 'admin-password'), 'correct horse battery staple\n')
  }, 5 * MINUTE_MS)

  afterAll(() => rmSync(base, { recursive: true, force: true }))

  async function run(program: ProgramName, ...args: readonly string[]): Promise<Finished> {
    const env = {
      PATH: '/usr/bin:/bin',
      HOME: home,
      TMPDIR: temporary,
      TRACE_FILE: join(base, TRACE),
    }
    const child = Bun.spawn(wrap([join(base, program), ...args]), {
      cwd: work,
      env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    return { exitCode, stdout, stderr }
  }

  test.each(PROGRAMS)('%s tells its version', async (program) => {
    const expected = `${program} ${description.version}\n`
    expect(await run(program, '--version')).toEqual({ exitCode: 0, stdout: expected, stderr: '' })
  })

  test.each(PROGRAMS)('%s explains itself', async (program) => {
    const { exitCode, stdout, stderr } = await run(program, '--help')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain(`Usage: ${program} `)
  })

  test.each(PROGRAMS)('%s refuses what it does not know in one line', async (program) => {
    const { exitCode, stdout, stderr } = await run(program, 'fly')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^${program}: [^\\n]*fly[^\\n]* \\[USAGE\\]\\n$`))
  })

  test('every native part of cd-agent works', async () => {
    const { exitCode, stdout } = await run('cd-agent', '--version', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      version: description.version,
      runtime: `Bun ${description.packageManager.slice('bun@'.length)}`,
      natives: { lz4: 'ok', zstd: 'ok', watcher: 'ok', kernel: 'ok' },
    })
  })

  test('cd-license and cd-master make their databases and unpack their addon beside them', async () => {
    const license = await run('cd-license', 'init', '--dir', 'authority')
    expect(license).toMatchObject({ exitCode: 0, stderr: '' })
    const key = await run('cd-license', 'public-key', '--dir', 'authority')
    writeFileSync(join(work, 'license-key.jwk'), key.stdout)
    const account = ['--admin', 'admin', '--password-file', 'admin-password']
    const master = await run(
      'cd-master',
      'init',
      '--dir',
      'master',
      ...account,
      '--license-key',
      'license-key.jwk',
    )
    expect(master).toMatchObject({ exitCode: 0 })
    for (const folder of ['authority', 'master']) {
      expect(readdirSync(join(work, folder, 'native'))).toEqual([
        expect.stringMatching(/^[0-9a-f]{64}\.node$/),
      ])
    }
    const token = await run('cd-master', 'token', '--dir', 'master', '--user', 'admin')
    expect(token).toMatchObject({ exitCode: 0 })
  })

  test('an addon that was cut off on the disk is unpacked anew', async () => {
    const folder = join(work, 'authority/native')
    for (const name of readdirSync(folder)) truncateSync(join(folder, name), 1000)
    const listed = await run('cd-license', 'list', '--dir', 'authority', '--json')
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('nothing of the folder they were started in was run, nothing was left in the temporary folder', () => {
    expect(existsSync(join(base, TRACE))).toBe(false)
    expect(readdirSync(temporary)).toEqual([])
  })
})
