import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { mustRunEntry, runEntry } from '../e2e/entry.ts'

const root = mkdtempSync(join(tmpdir(), 'cd-license-'))
const dir = join(root, 'authority')
const license = (...argv: string[]) => runEntry('license', argv)
const printed = (...argv: string[]) => mustRunEntry('license', argv)

let siteId: string
beforeAll(async () => {
  await printed('init', '--dir', dir)
  const names = ['--company', 'My "Company"', '--site', 'Zürich']
  siteId = await printed('register', '--dir', dir, ...names, '--regions', '2', '--days', '30')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('what each command prints', () => {
  test('init --json', async () => {
    const other = join(root, 'other')
    const made = JSON.parse(await printed('init', '--dir', other, '--json'))
    expect(made).toEqual({ directory: other, keyThumbprint: expect.stringMatching(/^[\w-]{43}$/) })
  })

  test('register: the id alone, or with --json the whole site', async () => {
    expect(siteId).toMatch(/^[0-9a-f-]{36}$/)
    const argv = ['--dir', dir, '--company', 'C', '--site', 'S', '--cas', '7', '--grace-days', '0']
    expect(JSON.parse(await printed('register', ...argv, '--json'))).toMatchObject({
      id: expect.any(String),
      company: 'C',
      site: 'S',
      limits: { regions: 1, groups: 10, cas: 7, cms: 10 },
      days: 365,
      graceDays: 0,
      startsAt: null,
      expiresAt: null,
      issued: [],
    })
  })

  test('public-key: a JWK without its secret', async () => {
    const jwk = JSON.parse(await printed('public-key', '--dir', dir))
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA' })
    expect(jwk).not.toHaveProperty('d')
    const secret = JSON.parse(readFileSync(join(dir, 'authority-key.json'), 'utf8'))
    expect(secret.x).toBe(jwk.x)
  })

  test('issue-site: a file of one line, for everyone to read', async () => {
    const out = join(root, 'site.jwt')
    const said = await printed('issue-site', '--dir', dir, '--site', siteId, '--out', out)
    expect(said).toMatch(/^site licence for "My "Company"", "Zürich" written to ".*"; it ends at \S+T12:00:00\.000Z$/) // prettier-ignore
    expect(readFileSync(out, 'utf8')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(statSync(out).mode & 0o777).toBe(0o644)
  })

  test('issue-site --out -: the file and nothing else', async () => {
    const { stdout } = await license('issue-site', '--dir', dir, '--site', siteId, '--out', '-')
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  })

  test('list and show', async () => {
    expect(await printed('list', '--dir', dir)).toContain(`${siteId}  My "Company" / Zürich`)
    const sites = JSON.parse(await printed('list', '--dir', dir, '--json'))
    expect(sites.map((site: { id: string }) => site.id)).toContain(siteId)
    const shown = await printed('show', '--dir', dir, '--site', siteId)
    expect(shown).toContain('limits      2 regions, 10 groups, 10 cas, 10 cms')
    expect(await printed('show', '--dir', dir)).toContain(shown)
    const all = JSON.parse(await printed('show', '--dir', dir, '--json'))
    expect(all.map((site: { id: string }) => site.id)).toContain(siteId)
    expect(JSON.parse(await printed('show', '--dir', dir, '--site', siteId, '--json')).id).toBe(siteId) // prettier-ignore
  })

  test('log: every act, and that the chain is whole', async () => {
    const said = await printed('log', '--dir', dir)
    expect(said).toContain('init')
    expect(said).toEndWith('the chain of acts is whole')
    expect(JSON.parse(await printed('log', '--dir', dir, '--json')).brokenAt).toBeNull()
  })

  test('version and help', async () => {
    expect(await printed('--version')).toMatch(/^cd-license \d+\.\d+\.\d+$/)
    expect(await printed('--help')).toMatchSnapshot()
    for (const command of ['init', 'register', 'issue-site', 'issue-install', 'list', 'show', 'public-key', 'log']) {
      expect(await printed(command, '--help')).toMatchSnapshot()
    } // prettier-ignore
  })
})

describe('what is refused, in one line and with its status', () => {
  const notes = join(root, 'notes.txt')
  beforeAll(() => writeFileSync(notes, 'hello'))

  const table: readonly (readonly [argv: () => readonly string[], status: number, line: () => string])[] = [
    [() => ['init', '--dir', dir], 1, () => `cannot create "${dir}": it exists and is not empty [DATA_DIR_EXISTS]`],
    [() => ['list', '--dir', join(root, 'none')], 1, () => `cannot open "${join(root, 'none')}": it is no data folder [DATA_DIR_MISSING]`],
    [() => ['register', '--dir', dir, '--company', 'My "Company"', '--site', 'Zürich'], 1, () => `cannot register the site "Zürich": "My "Company"" has one of this name, ${siteId} [NAME_TAKEN]`],
    [() => ['register', '--dir', dir, '--company', 'C'], 2, () => 'missing --site NAME [USAGE]'],
    [() => ['register', '--dir', dir, '--company', 'C', '--site', 'x'.repeat(201)], 2, () => '--site must be at most 200 characters long [USAGE]'],
    [() => ['register', '--dir', dir, '--company', 'C', '--site', 'T', '--days', '0'], 2, () => '--days must be a whole number from 1 to 36500, not "0" [USAGE]'],
    [() => ['issue-site', '--dir', dir, '--site', 'nowhere', '--out', '-'], 1, () => 'cannot issue a file for the site "nowhere": it is not registered [NOT_FOUND]'],
    [() => ['issue-site', '--dir', dir, '--site', siteId, '--out', join(root, 'none', 'x')], 1, () => `cannot write "${join(root, 'none', 'x')}": no such file or folder [NOT_FOUND]`],
    [() => ['issue-install', '--dir', dir, '--site', siteId, '--request', join(root, 'none'), '--out', '-'], 1, () => `cannot read "${join(root, 'none')}": no such file or folder [FILE_UNREADABLE]`],
    [() => ['issue-install', '--dir', dir, '--site', siteId, '--request', notes, '--out', '-'], 1, () => `cannot accept the installation request "${notes}": it is no installation request [INVALID_REQUEST]`],
    [() => ['show', '--dir', dir, '--site', 'nowhere'], 1, () => 'cannot show the site "nowhere": it is not registered [NOT_FOUND]'],
    [() => ['renew', '--dir', dir, '--site', siteId], 1, () => 'cannot renew: this comes with a later version [NOT_IMPLEMENTED]'],
    [() => ['revoke', '--dir', dir, '--site', siteId], 1, () => 'cannot revoke: this comes with a later version [NOT_IMPLEMENTED]'],
    [() => ['serve', '--dir', dir], 1, () => 'cannot serve: this comes with a later version [NOT_IMPLEMENTED]'],
  ] // prettier-ignore
  test.each(table)('%#', async (argv, status, line) => {
    expect(await license(...argv())).toEqual({
      status,
      stdout: '',
      stderr: `cd-license: ${line()}\n`,
    })
  })
})
