import { expect, test } from 'bun:test'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { errorTable } from '../scripts/error-table.ts'

const REPOSITORY = join(import.meta.dir, '..')
const read = (name: string) => readFileSync(join(REPOSITORY, name), 'utf8')
const DOCUMENTS = [
  'README.md',
  'SECURITY.md',
  ...readdirSync(join(REPOSITORY, 'docs')).map((name) => `docs/${name}`),
]

test('docs/errors.md is what `bun scripts/error-table.ts` writes', () => {
  expect(read('docs/errors.md')).toBe(errorTable())
})

test.each(DOCUMENTS)('%s leads to files that are there', (name) => {
  const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map((match) => match[1])
  const missing = links.filter((link) => !existsSync(join(REPOSITORY, dirname(name), link ?? '')))
  expect(missing).toEqual([])
})
