import { afterEach, beforeEach, expect, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AppError } from '../../src/core/base/errors.ts'
import { createDataDirectory, openDataDirectory } from '../../src/platform/data-dir.ts'

let base = ''
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'cd-data-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const at = (name: string): string => join(base, name)
const nothing = (): void => {}
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'no error'
}
const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  )

test('what was put in while creating is there after opening, for the owner alone', async () => {
  const given = await createDataDirectory(at('a'), 'agent', (directory) => {
    directory.write('identity.json', '{}')
    return 7
  })
  expect(given).toBe(7)
  const directory = openDataDirectory(at('a'), 'agent')
  expect(await Bun.file(directory.file('identity.json')).text()).toBe('{}')
  expect(statSync(at('a')).mode & 0o777).toBe(0o700)
  expect(statSync(directory.file('identity.json')).mode & 0o777).toBe(0o600)
  expect(readdirSync(at('a')).toSorted()).toEqual(['identity.json', 'lock.db', 'version'])
})

test('an empty folder may be used, one with content is left alone', async () => {
  mkdirSync(at('empty'))
  await createDataDirectory(at('empty'), 'master', nothing)
  mkdirSync(at('full'), { mode: 0o755 })
  writeFileSync(at('full/photo.jpg'), 'x')
  expect(await codeOf(createDataDirectory(at('full'), 'master', nothing))).toBe('DATA_DIR_EXISTS')
  expect(await codeOf(createDataDirectory(at('empty'), 'master', nothing))).toBe('DATA_DIR_EXISTS')
  expect(readdirSync(at('full'))).toEqual(['photo.jpg'])
  expect(statSync(at('full')).mode & 0o777).toBe(0o755)
})

test('where filling fails, nothing is left and the next attempt succeeds', async () => {
  const failing = createDataDirectory(at('a'), 'agent', (directory) => {
    directory.write('half', 'x')
    throw new Error('refused')
  })
  expect(failing).rejects.toThrow('refused')
  await failing.catch(nothing)
  expect(readdirSync(base)).toEqual([])
  await createDataDirectory(at('a'), 'agent', nothing)
})

test('a folder whose creation was killed does not count and is made anew', async () => {
  mkdirSync(at('a'))
  writeFileSync(at('a/unfinished'), '')
  writeFileSync(at('a/half'), '')
  expect(code(() => openDataDirectory(at('a'), 'agent'))).toStartWith('DATA_DIR_MISSING')
  await createDataDirectory(at('a'), 'agent', nothing)
  expect(readdirSync(at('a')).toSorted()).toEqual(['lock.db', 'version'])
})

test('a kill between the version file and the removal of the marker loses nothing', async () => {
  await createDataDirectory(at('a'), 'agent', (directory) => directory.write('precious', 'x'))
  writeFileSync(at('a/unfinished'), '')
  expect(await codeOf(createDataDirectory(at('a'), 'agent', nothing))).toBe('DATA_DIR_EXISTS')
  expect(await Bun.file(openDataDirectory(at('a'), 'agent').file('precious')).text()).toBe('x')
})

test.each([
  ['no folder', null, /^DATA_DIR_MISSING: cannot open ".*\/a": it is no data folder$/],
  [
    'another program',
    '{"kind":"master","version":1}',
    /^DATA_VERSION: .*data folder of cd-master, not of cd-agent$/,
  ],
  [
    'a newer version',
    '{"kind":"agent","version":2}',
    /^DATA_VERSION: .*has version 2, this program reads version 1$/,
  ],
  ['rubbish', 'rubbish', /^DATA_VERSION: .*holds "rubbish"/],
  ['no kind', '{"version":1}', /^DATA_VERSION: /],
])('opening refuses %s', (_name, version, expected) => {
  if (version !== null) {
    mkdirSync(at('a'))
    writeFileSync(at('a/version'), version)
  }
  expect(code(() => openDataDirectory(at('a'), 'agent'))).toMatch(expected)
})

test('one process runs at a time; opening needs no lock', async () => {
  await createDataDirectory(at('a'), 'agent', nothing)
  const directory = openDataDirectory(at('a'), 'agent')
  const holder = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'lock-holder-program.ts'), at('a')],
    {
      stdout: 'pipe',
      stdin: 'pipe',
    },
  )
  const { value } = await holder.stdout.getReader().read()
  expect(new TextDecoder().decode(value)).toBe('held\n')
  expect(code(() => directory.lock())).toBe(
    `DATA_DIR_LOCKED: cannot lock "${at('a')}": another process runs on it`,
  )
  expect(openDataDirectory(at('a'), 'agent').path).toBe(at('a'))
  holder.kill('SIGKILL')
  await holder.exited
  const lock = directory.lock()
  expect(code(() => directory.lock())).toStartWith('DATA_DIR_LOCKED')
  lock.release()
  directory.lock().release()
})

test('taking the lock clears what a kill left half written', async () => {
  await createDataDirectory(at('a'), 'agent', nothing)
  writeFileSync(at('a/.tmp-identity.json-0011'), 'half')
  const directory = openDataDirectory(at('a'), 'agent')
  expect(readdirSync(at('a'))).toContain('.tmp-identity.json-0011')
  directory.lock().release()
  expect(readdirSync(at('a')).toSorted()).toEqual(['lock.db', 'version'])
})

test('taking the lock removes addons of earlier versions, and none that is in use', async () => {
  await createDataDirectory(at('a'), 'agent', (directory) => {
    mkdirSync(directory.file('native'))
    for (const name of ['old.node', 'new.node']) writeFileSync(directory.file(`native/${name}`), '')
    utimesSync(directory.file('native/old.node'), 1e9, 1e9)
  })
  openDataDirectory(at('a'), 'agent').lock().release()
  expect(readdirSync(at('a/native'))).toEqual(['new.node'])
})

test('a file is replaced whole, with the mode asked for', async () => {
  await createDataDirectory(at('a'), 'agent', nothing)
  const directory = openDataDirectory(at('a'), 'agent')
  directory.write('key', 'old')
  directory.write('key', new Uint8Array([1, 2]), 0o400)
  expect([...(await Bun.file(directory.file('key')).bytes())]).toEqual([1, 2])
  expect(statSync(directory.file('key')).mode & 0o777).toBe(0o400)
  expect(() => directory.write('no/such', 'x')).toThrow()
  expect(readdirSync(at('a')).toSorted()).toEqual(['key', 'lock.db', 'version'])
})
