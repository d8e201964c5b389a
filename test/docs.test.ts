import { expect, test } from 'bun:test'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { ERRORS } from '../src/core/base/errors.ts'

const REPOSITORY = join(import.meta.dir, '..')
const read = (name: string) => readFileSync(join(REPOSITORY, name), 'utf8')
const DOCUMENTS = ['README.md', 'SECURITY.md', ...readdirSync(join(REPOSITORY, 'docs')).map((name) => `docs/${name}`)] // prettier-ignore

test('the table of error codes is what the programs say', () => {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, action }]) => `| \`${code}\` | ${status} | ${action} |`,
  )
  const table = read('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  expect(table).toEqual(rows.toSorted())
})

test.each(DOCUMENTS)('%s leads to files that are there', (name) => {
  const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map((match) => match[1])
  const missing = links.filter((link) => !existsSync(join(REPOSITORY, dirname(name), link ?? '')))
  expect(missing).toEqual([])
})
