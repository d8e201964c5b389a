import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { withLicenseAuthority } from '../../src/authority/authority.ts'
import { issueInstallLicense, issueSiteLicense } from '../../src/authority/issue.ts'
import { registerSite } from '../../src/authority/sites.ts'
import { mustRunEntry, runEntry, ServingMaster } from './entry.ts'

// From nothing to a licensed master by the three words a person types, with everything that may go wrong on the way.
// The tests go on from each other: they are the story of one installation.

const MINUTE_MS = 60_000
const root = mkdtempSync(join(tmpdir(), 'cd-licence-flow-'))
const path = (name: string) => join(root, name)

let master: ServingMaster

beforeAll(async () => {
  for (const name of ['authority', 'stranger']) await mustRunEntry('license', ['init', '--dir', path(name)]) // prettier-ignore
  writeFileSync(path('key'), await mustRunEntry('license', ['public-key', '--dir', path('authority')])) // prettier-ignore
  writeFileSync(path('password'), 'correct horse battery staple\n')
  await initMaster('master')
  await initMaster('elsewhere')
  master = await ServingMaster.start(path('master'))
}, MINUTE_MS)

afterAll(async () => {
  await master.stop()
  rmSync(root, { recursive: true, force: true })
}, MINUTE_MS)

async function initMaster(name: string): Promise<void> {
  const admin = ['--admin', 'admin', '--password-file', path('password')]
  await mustRunEntry('master', ['init', '--dir', path(name), ...admin, '--license-key', path('key')]) // prettier-ignore
  await mustRunEntry('master', ['install-request', '--dir', path(name), '--out', path(`${name}.request`)]) // prettier-ignore
}

/** Has an authority issue both files for a master; gives their paths. */
async function issue(authority: string, site: string, request: string): Promise<readonly string[]> {
  const dir = ['--dir', path(authority)]
  const names = ['--company', 'Company', '--site', site]
  const limits = ['--regions', '1', '--days', '30']
  const id = await mustRunEntry('license', ['register', ...dir, ...names, ...limits])
  const files = [path(`${site}.site`), path(`${site}.install`)] as const
  await mustRunEntry('license', ['issue-site', ...dir, '--site', id, '--out', files[0]])
  await mustRunEntry('license', ['issue-install', ...dir, '--site', id, '--request', path(`${request}.request`), '--out', files[1]]) // prettier-ignore
  return files
}

const add = (files: readonly string[]) =>
  runEntry('master', ['license', 'add', '--dir', path('master'), ...files])

async function license(): Promise<{ state: string; code: string | null }> {
  return (await (await master.api('/license')).json()) as { state: string; code: string | null }
}

/** Nothing moves: the master is up, says that it is locked, and answers with the reason. */
async function expectLocked(state: string, code: string): Promise<void> {
  expect(await license()).toMatchObject({ state, code })
  const ready = await fetch(`${master.adminUrl}/readyz`)
  expect([ready.status, ((await ready.json()) as { locked: boolean }).locked]).toEqual([200, true])
  const answer = await master.api('/regions', { method: 'POST', body: '{"name":"home"}' })
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, code])
}

test('no licence: the master starts, locked', () => expectLocked('missing', 'LICENSE_MISSING'), MINUTE_MS) // prettier-ignore

test('a foreign authority: refused, locked', async () => {
  const { status, stderr } = await add(await issue('stranger', 'foreign', 'master'))
  expect(status).toBe(3)
  expect(stderr).toBe(`cd-master: cannot add the licence file "${path('foreign.site')}": it is signed with a key that this master does not trust [LICENSE_FOREIGN]\n`) // prettier-ignore
  await expectLocked('invalid', 'LICENSE_FOREIGN')
}, 60_000)

test("another installation's file: refused, locked", async () => {
  const { status, stderr } = await add(await issue('authority', 'other', 'elsewhere'))
  expect(status).toBe(3)
  expect(stderr).toEndWith('[LICENSE_FOREIGN]\n')
  await expectLocked('invalid', 'LICENSE_FOREIGN')
}, 60_000)

test('a tampered file: refused, locked', async () => {
  const files = await issue('authority', 'tampered', 'master')
  const [header, claims, signature] = readFileSync(path('tampered.site'), 'utf8').split('.')
  const changed = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString())
  changed.limits.cas = 9999
  const forged = Buffer.from(JSON.stringify(changed)).toString('base64url')
  writeFileSync(path('tampered.site'), `${header}.${forged}.${signature}`)
  const { status, stderr } = await add(files)
  expect(status).toBe(3)
  expect(stderr).toContain('its signature does not hold: it was changed after it was issued [LICENSE_INVALID]') // prettier-ignore
  await expectLocked('invalid', 'LICENSE_INVALID')
}, 60_000)

test('an expired file: refused, locked', async () => {
  const yearAgo = { nowMs: () => Date.now() - 365 * 86_400_000, sleep: async () => undefined }
  await withLicenseAuthority(path('authority'), yearAgo, async (authority) => {
    const limits = { regions: 1, groups: 1, cas: 1, cms: 1 }
    const id = await registerSite(authority, { company: 'Company', site: 'old', limits, days: 30, graceDays: 14 }) // prettier-ignore
    const request = { name: 'request', text: readFileSync(path('master.request'), 'utf8') }
    writeFileSync(path('old.site'), (await issueSiteLicense(authority, id)).token)
    writeFileSync(path('old.install'), (await issueInstallLicense(authority, id, request)).token)
  })
  const { status, stderr } = await add([path('old.site'), path('old.install')])
  expect(status).toBe(3)
  expect(stderr).toMatch(/the licence expired at \S+Z \[LICENSE_EXPIRED\]\n$/)
  await expectLocked('expired', 'LICENSE_EXPIRED')
}, 60_000)

test('after a restart it starts locked, with the reason', async () => {
  expect(await master.stop()).toBe(0)
  master = await ServingMaster.start(path('master'))
  await expectLocked('expired', 'LICENSE_EXPIRED')
}, 60_000)

test('both files: valid without a restart, until it is passed by one', async () => {
  const files = await issue('authority', 'real', 'master')
  expect((await add(files)).stdout).toStartWith('licence valid until ')
  expect(await license()).toMatchObject({ state: 'valid', code: null })
  const region = (name: string) => master.api('/regions', { method: 'POST', body: JSON.stringify({ name }) }) // prettier-ignore
  expect((await region('home')).status).toBe(201)
  const refused = await region('abroad')
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({
    code: 'LICENSE_LIMIT',
    detail: 'cannot add a region: the licence allows 1 region, 1 is in use',
  })
  const ready = await fetch(`${master.adminUrl}/readyz`)
  expect(((await ready.json()) as { locked: boolean }).locked).toBe(false)
}, 60_000)

test('a refused file afterwards changes nothing', async () => {
  expect((await add([path('tampered.site')])).status).toBe(3)
  expect(await license()).toMatchObject({ state: 'valid', code: null })
}, 60_000)
