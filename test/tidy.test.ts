import { expect, test } from 'bun:test'
import { dirname, join, normalize } from 'node:path'

import { Glob } from 'bun'

// Non-functional properties of the code itself, after TigerBeetle's src/tidy.zig.

/** Layer ranks: a file may import its own layer or a strictly lower rank. Equal ranks never meet. */
const RANKS: readonly (readonly [prefix: string, rank: number])[] = [
  ['migrations', 0],
  ['src/core/base', 0],
  ['src/core/path', 1],
  ['src/core/filter', 2],
  ['src/core/delta', 2],
  ['src/core/change', 3],
  ['src/core/license', 3],
  ['src/core/health', 3],
  ['src/core/apply', 4],
  ['src/core/route', 5],
  ['src/core/plan', 6],
  ['src/core/wire', 7],
  ['src/core/transfer', 8],
  ['package.json', 8],
  ['src/platform', 9],
  ['src/store', 10],
  ['src/cms', 11],
  ['src/cas', 11],
  ['src/sm', 11],
  ['views', 11],
  ['src/master', 12],
  ['src/authority', 12],
  ['src', 13],
]
const BANNED: readonly (readonly [pattern: RegExp, why: string, except?: RegExp])[] = [
  [/\bFIXME\b|\.only\(/, 'leftover, remove before merge'],
  [
    /\bprocess\.env\b/,
    'src/platform/config.ts owns the environment',
    /^src\/platform\/config\.ts$|^scripts\//,
  ],
  [/new Worker\(/, 'src/spawn.ts owns worker construction', /^src\/spawn\.ts$/],
  [/@ts-ignore/, 'use @ts-expect-error with a reason'],
  [/\bnew Date\(\)/, 'take nowMs as an argument', /^src\/platform\/clock\.ts$/],
  [/^export \* /m, 'no barrels: import the file that owns the name'],
]
const IMPORT =
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g

/** The root layer holds direct files only, so a new folder must be given a rank on purpose. */
const layer = (file: string) =>
  RANKS.find(([prefix]) =>
    prefix === 'src' ? dirname(file) === 'src' : file === prefix || file.startsWith(`${prefix}/`),
  )

test('tidy', async () => {
  const problems: string[] = []
  const files = [...new Glob('{src,views}/**/*.{ts,tsx}').scanSync('.')].sort()
  for (const file of files) {
    const text = await Bun.file(file).text()
    const from = layer(file)
    if (!from) problems.push(`${file}: not in any layer`)
    for (const [pattern, why, except] of BANNED) {
      if (pattern.test(text) && !except?.test(file))
        problems.push(`${file}: ${pattern.source}: ${why}`)
    }
    for (const match of text.matchAll(IMPORT)) {
      const specifier = match[1] ?? match[2] ?? ''
      if (!specifier.startsWith('.')) {
        if (
          file.startsWith('src/core/') &&
          !(specifier === 'zod' && file.startsWith('src/core/wire/'))
        )
          problems.push(`${file}: core imports a package: ${specifier}`)
        continue
      }
      const target = normalize(join(dirname(file), specifier))
      const to = layer(target)
      if (!to || !from || (to[0] !== from[0] && to[1] >= from[1])) {
        problems.push(`${file} -> ${target}: layer ${from?.[0]} may not import ${to?.[0]}`)
      }
      if (!(await Bun.file(target).exists())) problems.push(`${file}: ${specifier} does not exist`)
    }
  }
  expect(problems).toEqual([])
})
