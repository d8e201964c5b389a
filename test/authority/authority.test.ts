import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createClient } from '@libsql/client'

import { readActs } from '../../src/authority/act-log.ts'
import {
  createLicenseAuthority,
  type LicenseAuthority,
  withLicenseAuthority,
} from '../../src/authority/authority.ts'
import { issueInstallLicense, issueSiteLicense } from '../../src/authority/issue.ts'
import { findSite, listIssued, listSites, registerSite } from '../../src/authority/sites.ts'
import {
  installLicenseClaims,
  installRequestPayload,
  LICENSE_TYPES,
  siteLicenseClaims,
} from '../../src/core/wire/license.ts'
import type { Clock } from '../../src/platform/clock.ts'
import {
  checkToken,
  createSigningKey,
  type SigningKey,
  signToken,
} from '../../src/platform/signed-token.ts'

const NOW_MS = Date.parse('2026-11-23T14:00:00Z')
const root = mkdtempSync(join(tmpdir(), 'cd-authority-'))
const path = join(root, 'authority')
let nowMs = NOW_MS
const clock: Clock = { nowMs: () => nowMs, sleep: async () => undefined }
const open = <T>(work: (authority: LicenseAuthority) => Promise<T>) =>
  withLicenseAuthority(path, clock, work)

beforeAll(async () => {
  await createLicenseAuthority(path, clock)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const limits = { regions: 1, groups: 2, cas: 3, cms: 4 }
let count = 0
const wanted = (patch: { company?: string; site?: string } = {}) => ({
  company: 'Company',
  site: `Site ${++count}`,
  limits,
  days: 30,
  graceDays: 7,
  ...patch,
})

const codeOf = async (attempt: Promise<unknown>): Promise<string> =>
  await attempt.then(
    () => 'done',
    (thrown: unknown) => String(thrown instanceof Error && 'code' in thrown && thrown.code),
  )

async function requestOf(key: SigningKey, installationId: string): Promise<string> {
  const request = {
    id: 'request',
    installationId,
    keyThumbprint: key.thumbprint,
    requestedAtMs: NOW_MS,
    siteId: null,
  }
  const claims = installRequestPayload(request)
  return await signToken(key, { type: LICENSE_TYPES.request, claims, header: { jwk: key.publicKey } }) // prettier-ignore
}

describe('the folder', () => {
  test('its key is for its owner alone', () => {
    expect(statSync(join(path, 'authority-key.json')).mode & 0o777).toBe(0o600)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  test('is made once', async () => {
    expect(await codeOf(createLicenseAuthority(path, clock))).toBe('DATA_DIR_EXISTS')
  })

  test('must be there', async () => {
    const elsewhere = withLicenseAuthority(join(root, 'none'), clock, async () => undefined)
    expect(await codeOf(elsewhere)).toBe('DATA_DIR_MISSING')
  })
})

describe('sites', () => {
  test('are registered under a company, new or known', async () => {
    await open(async (authority) => {
      const first = await registerSite(authority, wanted({ company: 'A', site: 'S' }))
      const second = await registerSite(authority, wanted({ company: 'A', site: 'T' }))
      const other = await registerSite(authority, wanted({ company: 'B', site: 'S' }))
      const sites = await listSites(authority.registry.read)
      expect(sites.map(({ id }) => id)).toEqual([first, second, other])
      expect(await findSite(authority.registry.read, first, 'show')).toEqual({
        id: first,
        company: 'A',
        site: 'S',
        limits,
        days: 30,
        graceDays: 7,
        term: null,
        registeredAtMs: NOW_MS,
      })
    })
  })

  test('have names of their own within the company', async () => {
    const twice = open((authority) => registerSite(authority, wanted({ company: 'A', site: 'S' })))
    expect(await codeOf(twice)).toBe('NAME_TAKEN')
  })

  test('that are unknown are not found', async () => {
    const unknown = open((authority) => issueSiteLicense(authority, 'nowhere'))
    expect(await codeOf(unknown)).toBe('NOT_FOUND')
  })
})

describe('what is issued', () => {
  test('says what was registered, and verifies with the public key', async () => {
    await open(async (authority) => {
      const siteId = await registerSite(authority, wanted({ site: 'Berlin' }))
      const { token, license } = await issueSiteLicense(authority, siteId)
      const { thumbprint, publicKey } = authority.key
      const check = await checkToken(token, new Map([[thumbprint, publicKey]]))
      expect(check).toMatchObject({ kind: 'verified', type: LICENSE_TYPES.site })
      expect(siteLicenseClaims.parse(check.kind === 'verified' ? check.claims : null)).toEqual(license) // prettier-ignore
      expect(license).toMatchObject({
        company: 'Company',
        site: 'Berlin',
        siteId,
        limits,
        graceDays: 7,
        startMs: Date.parse('2026-11-23T00:00:00Z'),
        endMs: Date.parse('2026-12-23T12:00:00Z'),
      })
    })
  })

  test('is bound to the installation that asked and to its key', async () => {
    await open(async (authority) => {
      const siteId = await registerSite(authority, wanted())
      const key = await createSigningKey()
      const file = { name: 'request.jwt', text: `${await requestOf(key, 'installation')}\n` }
      const { token, license } = await issueInstallLicense(authority, siteId, file)
      const { thumbprint, publicKey } = authority.key
      const check = await checkToken(token, new Map([[thumbprint, publicKey]]))
      expect(check).toMatchObject({ kind: 'verified', type: LICENSE_TYPES.install })
      expect(installLicenseClaims.parse(check.kind === 'verified' ? check.claims : null)).toEqual(license) // prettier-ignore
      expect(license).toMatchObject({ installationId: 'installation', keyThumbprint: key.thumbprint }) // prettier-ignore
    })
  })

  test('other installations of the site are named', async () => {
    await open(async (authority) => {
      const siteId = await registerSite(authority, wanted())
      const issue = async (installation: string) => {
        const text = await requestOf(await createSigningKey(), installation)
        return (await issueInstallLicense(authority, siteId, { name: 'r', text })).otherInstallations // prettier-ignore
      }
      expect(await issue('one')).toEqual([])
      expect(await issue('one')).toEqual([])
      expect(await issue('two')).toEqual(['one'])
      expect(await listIssued(authority.registry.read, siteId)).toHaveLength(3)
    })
  })

  test('begins the term with the first file; later ones have the same, until it is over', async () => {
    nowMs = Date.parse('2026-11-23T00:00:00Z')
    const siteId = await open((authority) => registerSite(authority, wanted()))
    nowMs = Date.parse('2027-02-01T09:00:00Z')
    const first = await open((authority) => issueSiteLicense(authority, siteId))
    expect(new Date(first.license.startMs).toISOString()).toBe('2027-02-01T00:00:00.000Z')
    nowMs = first.license.endMs - 1
    const second = await open((authority) => issueSiteLicense(authority, siteId))
    expect(second.license).toMatchObject({
      startMs: first.license.startMs,
      endMs: first.license.endMs,
    })
    expect(second.license.id).not.toBe(first.license.id)
    nowMs = first.license.endMs
    const late = open((authority) => issueSiteLicense(authority, siteId))
    expect(await codeOf(late)).toBe('LICENSE_EXPIRED')
    nowMs = NOW_MS
  })
})

describe('the log of acts', () => {
  test('holds every act in one chain', async () => {
    const { acts, brokenAt } = await open(({ registry }) => readActs(registry.read))
    expect(brokenAt).toBeNull()
    expect(acts[0]).toMatchObject({ number: 1, act: 'init' })
    expect(acts.map(({ number }) => number)).toEqual(acts.map((_, index) => index + 1))
    expect(new Set(acts.map(({ act }) => act))).toEqual(new Set(['init', 'register', 'issue-site', 'issue-install'])) // prettier-ignore
  })

  const registryFile = () => createClient({ url: `file:${join(path, 'registry.db')}` })

  test('cannot be changed by an ordinary statement', async () => {
    const client = registryFile()
    for (const statement of [`UPDATE acts SET act = 'x' WHERE number = 2`, 'DELETE FROM acts']) {
      expect(await codeOf(client.execute(statement))).toBe('SQLITE_CONSTRAINT')
    }
    client.close()
  })

  const tampering: readonly (readonly [what: string, statement: string, brokenAt: number])[] = [
    ['a changed act', `UPDATE acts SET details = '{}' WHERE number = 2`, 2],
    ['a changed time', 'UPDATE acts SET at_ms = at_ms + 1 WHERE number = 1', 1],
    ['an act taken out', 'DELETE FROM acts WHERE number = 3', 4],
    ['damaged details', `UPDATE acts SET details = 'x' WHERE number = 4`, 4],
  ]
  test.each(tampering)('shows %s', async (_, statement, brokenAt) => {
    const client = registryFile()
    await client.executeMultiple(
      'DROP TRIGGER IF EXISTS acts_never_change; DROP TRIGGER IF EXISTS acts_never_go;' +
        'CREATE TEMP TABLE saved AS SELECT * FROM acts',
    )
    await client.execute(statement)
    const { brokenAt: found } = await open(({ registry }) => readActs(registry.read))
    await client.executeMultiple('DELETE FROM acts; INSERT INTO acts SELECT * FROM saved')
    client.close()
    expect(found).toBe(brokenAt)
    expect((await open(({ registry }) => readActs(registry.read))).brokenAt).toBeNull()
  })

  test('is as many as what was done at once', async () => {
    const before = await open(({ registry }) => readActs(registry.read))
    await open(async (authority) => {
      await Promise.all(Array.from({ length: 10 }, () => registerSite(authority, wanted())))
    })
    const after = await open(({ registry }) => readActs(registry.read))
    expect(after.acts.length).toBe(before.acts.length + 10)
    expect(after.brokenAt).toBeNull()
  })
})
