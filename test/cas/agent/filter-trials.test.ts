import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { FilterTrials } from '../../../src/cas/agent/filter-trials.ts'
import { createAllowList } from '../../../src/cas/allow-list.ts'
import type { ReadTree } from '../../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../../src/core/base/byte-string.ts'
import { type RelPath, basename } from '../../../src/core/path/rel-path.ts'
import { filterTried } from '../../../src/core/wire/filter-trial.ts'
import { compilePatterns } from '../../../src/platform/pattern.ts'
import { realPath } from '../../../src/platform/real-path.ts'
import { openReadTree } from '../../../src/platform/trees.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-trial-'))
const root = join(folder, 'root')
mkdirSync(join(root, 'cache/deep'), { recursive: true })
mkdirSync(join(root, 'pages'))
writeFileSync(join(root, 'cache/deep/never-looked-at'), 'x')
writeFileSync(join(root, 'pages/a.html'), 'four')
writeFileSync(join(root, 'pages/a.html~'), 'old')
writeFileSync(join(root, 'pages/b.txt'), 'seven77')
symlinkSync('a.html', join(root, 'pages/link'))
mkdirSync(join(folder, 'secret'))
writeFileSync(join(folder, 'secret/key'), 'secret')
symlinkSync('../../secret', join(root, 'pages/out'))
afterAll(() => rmSync(folder, { recursive: true }))

const openTree = (path: ByteString) => openReadTree(Buffer.from(path, 'latin1').toString())
const policy = { allowed: [fromText(join(folder, 'root'))], own: fromText('/none') }
const allowList = createAllowList(policy, realPath)

function trials(timeMs = 5000, open = openTree): FilterTrials {
  return new FilterTrials({ allowList, openTree: open, compile: compilePatterns, timeMs })
}

const question = (asked: { include?: string[]; exclude?: string[]; path?: string } = {}) => {
  const { include = [], exclude = [], path = root } = asked
  return { type: 'tryFilter', requestId: 'r', path: fromText(path), include, exclude } as const
}

const ask = (asked?: Parameters<typeof question>[0], timeMs?: number) =>
  trials(timeMs).answer(question(asked))

test('everything passes an empty filter', async () => {
  expect((await ask()).trial).toMatchObject({
    passes: { files: 6, folders: 3, bytes: 15 },
    leftOut: { files: 0, folders: 0, bytes: 0, sample: [] },
    isWhole: true,
  })
})

test('what passes and what does not is counted and shown; a folder that does not is not entered', async () => {
  const { trial } = await ask({ include: ['\\.html', '^cache'], exclude: ['~$', '^cache$'] })
  expect(trial).toEqual({
    passes: { files: 1, folders: 1, bytes: 4, sample: ['pages/', 'pages/a.html'] },
    leftOut: {
      files: 4,
      folders: 1,
      bytes: 10,
      sample: ['cache/', 'pages/a.html~', 'pages/b.txt', 'pages/link', 'pages/out'],
    },
    isWhole: true,
  })
})

test('what is found when the time is up is given for what it is', async () => {
  const { trial } = await ask({}, -1)
  expect(trial?.isWhole).toBe(false)
})

test.each([
  ['a folder that is not there', { path: join(root, 'none') }, 'ROOT_MISSING'],
  ['a file', { path: join(root, 'pages/a.html') }, 'ROOT_MISSING'],
  ['a folder that may not be a root', { path: '/etc' }, 'ROOT_REFUSED'],
  ['a folder above what is allowed', { path: folder }, 'ROOT_REFUSED'],
  ['a way around', { path: `${root}/../secret` }, 'ROOT_REFUSED'],
  ['a link that leads out', { path: join(root, 'pages/out') }, 'ROOT_REFUSED'],
  ['a pattern that is none', { include: ['(?=x)'] }, 'PATTERN_UNSAFE'],
  ['patterns too large', { exclude: Array<string>(100).fill('(a{30}){30}') }, 'PATTERN_UNSAFE'],
])('%s is refused', async (_name, asked, code) => {
  const { trial, error } = await ask(asked)
  expect([trial, error?.code]).toEqual([null, code])
})

test('a link in the folder is not followed', async () => {
  const { trial } = await ask({ include: ['secret'] })
  expect(trial?.passes.files).toBe(0)
})

test('what is shown has a bound, what is counted has none', async () => {
  const wide = join(root, 'wide')
  mkdirSync(wide)
  for (let index = 0; index < 250; index++) writeFileSync(join(wide, `${index}.log`), 'x')
  const { trial } = await ask({ path: wide, exclude: ['1\\.log$'] })
  rmSync(wide, { recursive: true })
  expect(trial).toMatchObject({ passes: { files: 225 }, leftOut: { files: 25, bytes: 25 } })
  expect([trial?.passes.sample.length, trial?.leftOut.sample.length]).toEqual([100, 25])
  expect(filterTried.safeParse(await ask({ path: wide })).success).toBe(true)
})

test('a path that is too long to be shown is counted', async () => {
  const names = ['a', 'd'.repeat(249)]
  const tree = madeUp((folder) => (folder.length < 40 * 249 ? names : ['a']))
  const answer = await trials(5000, () => tree).answer(question())
  expect(filterTried.parse(answer).trial?.passes).toMatchObject({ folders: 40, files: 41 })
  expect(answer.trial?.passes.sample.length).toBeLessThan(40)
})

test('others have their turn, the next trial too; beyond ten none is begun', async () => {
  const names = ['a', ...Array.from({ length: 100 }, (_, index) => `d${index}`)]
  const endless = trials(300, () => madeUp((folder) => (folder.length < 40 ? names : ['a'])))
  let turns = 0
  const beat = setInterval(() => turns++, 1)
  const answers = await Promise.all(Array.from({ length: 12 }, () => endless.answer(question())))
  clearInterval(beat)
  expect(answers.map(({ trial, error }) => trial?.isWhole ?? error?.code)).toEqual([
    ...Array<boolean>(10).fill(false),
    'TOO_MANY_ATTEMPTS',
    'TOO_MANY_ATTEMPTS',
  ])
  expect(turns).toBeGreaterThan(0)
  const counts = answers.slice(0, 10).map(({ trial }) => trial?.passes.files ?? 0)
  expect(Math.min(...counts)).toBeGreaterThan(0)
  expect((await endless.answer(question({ include: ['('] }))).error?.code).toBe('PATTERN_UNSAFE')
  expect((await endless.answer(question())).trial?.isWhole).toBe(false)
})

/** A tree that a function makes up: what it lists, folders where the name begins with a d. */
function madeUp(list: (folder: RelPath) => readonly string[]): ReadTree {
  const real = openTree(fromText(root))
  const folderState = real.lstat('pages' as RelPath)
  const fileState = real.lstat('pages/a.html' as RelPath)
  real.close()
  return Object.assign(Object.create(real) as ReadTree, {
    list,
    lstat: (path: RelPath) => (basename(path).startsWith('d') ? folderState : fileState),
    close: () => undefined,
  })
}
