import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'

import { sql } from 'drizzle-orm'

import { AppError } from '../../../src/core/base/errors.ts'
import { DAY_MS } from '../../../src/core/license/term.ts'
import { LICENSE_TYPES } from '../../../src/core/wire/license.ts'
import { licenses } from '../../../src/master/db/schema.ts'
import { verifyLicenseFile } from '../../../src/master/license/license-file.ts'
import { signToken } from '../../../src/platform/signed-token.ts'
import {
  LicenseWorld,
  NOW_MS,
  offered,
  type TestAuthority,
  type TestMaster,
} from './license.fixture.ts'

const world = new LicenseWorld()
afterAll(() => world.close())

let authority: TestAuthority
let stranger: TestAuthority
let files: { readonly site: string; readonly install: string }
let master: TestMaster
let other: TestMaster

beforeAll(async () => {
  authority = await world.authority()
  stranger = await world.authority()
  master = await world.master(authority)
  other = await world.master(authority)
  files = await authority.files(await authority.register(), await master.license.installRequest())
})

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString())

/** The token with its header or claims changed and its signature left as it was. */
function changed(token: string, part: 'header' | 'claims', patch: object): string {
  const [header, claims, signature] = token.split('.')
  const patched = encode({ ...decode(part === 'header' ? header : claims), ...patch })
  return part === 'header'
    ? `${patched}.${claims}.${signature}`
    : `${header}.${patched}.${signature}`
}

/** The token with another algorithm, signed as that algorithm would be. */
function resigned(token: string, alg: string, sign: (input: string) => string): string {
  const [header, claims] = token.split('.')
  const input = `${encode({ ...decode(header), alg })}.${claims}`
  return `${input}.${sign(input)}`
}

/** A file as the authority's own key signs it, with claims that it would never issue so. */
async function crafted(
  from: TestAuthority,
  token: string,
  content: { type?: string; claims?: object },
) {
  const [header, claims] = token.split('.')
  const type = content.type ?? String(decode(header)['typ'])
  return await from.run(({ key }) =>
    signToken(key, { type, claims: { ...decode(claims), ...content.claims } }),
  )
}

const hmac = (secret: string) => (input: string) =>
  createHmac('sha256', secret).update(input).digest('base64url')

const seconds = (timeMs: number) => Math.floor(timeMs / 1000)

describe('each attack is refused with its code, and nothing of it is stored', () => {
  const attacks: readonly (readonly [what: string, code: string, forge: () => Promise<string> | string])[] = [
    ['no token at all', 'LICENSE_INVALID', () => 'hello'],
    ['nothing', 'LICENSE_INVALID', () => ''],
    ['binary', 'LICENSE_INVALID', () => '\u0000\u0001.\u0002.\u0003'],
    ['megabytes', 'LICENSE_INVALID', () => 'a'.repeat(1 << 20)],
    ['four parts', 'LICENSE_INVALID', () => `${files.site}.x`],
    ['a changed limit', 'LICENSE_INVALID', () => changed(files.site, 'claims', { limits: { regions: 99, groups: 99, cas: 99, cms: 99 } })],
    ['a later end', 'LICENSE_INVALID', () => changed(files.install, 'claims', { exp: 4e9 })],
    ['a changed installation', 'LICENSE_INVALID', () => changed(files.install, 'claims', { sub: 'other' })],
    ['a changed type', 'LICENSE_INVALID', () => changed(files.site, 'header', { typ: LICENSE_TYPES.install })],
    ['one flipped bit in the signature', 'LICENSE_INVALID', () => files.site.replace(/.{10}$/, (end) => (end.startsWith('A') ? 'B' : 'A') + end.slice(1))],
    ['no signature', 'LICENSE_INVALID', () => files.site.replace(/[^.]*$/, '')],
    ['alg none', 'LICENSE_INVALID', () => resigned(files.site, 'none', () => '')],
    ['alg None', 'LICENSE_INVALID', () => resigned(files.site, 'None', () => '')],
    ['a MAC with the public key (JWK)', 'LICENSE_INVALID', () => resigned(files.site, 'HS256', hmac(authority.publicKey))],
    ['a MAC with the public key (its bytes)', 'LICENSE_INVALID', () => resigned(files.site, 'HS256', hmac(JSON.parse(authority.publicKey).x))],
    ['a key of its own in the header', 'LICENSE_INVALID', () => changed(files.site, 'header', { jwk: JSON.parse(stranger.publicKey) })],
    ["another authority's file", 'LICENSE_FOREIGN', async () => (await stranger.files(await stranger.register(), await master.license.installRequest())).site],
    ["another authority's file under the trusted key's name", 'LICENSE_INVALID', async () => {
      const forged = await stranger.files(await stranger.register(), await master.license.installRequest())
      return changed(forged.site, 'header', { kid: decode(files.site.split('.')[0])['kid'] })
    }],
    ["another installation's file", 'LICENSE_FOREIGN', async () => (await authority.files(await authority.register(), await other.license.installRequest())).install],
    ['a file for this installation, bound to another key', 'LICENSE_FOREIGN', () => crafted(authority, files.install, { claims: { cnf: { jkt: 'A'.repeat(43) } } })],
    ['a site file as an install file', 'LICENSE_INVALID', () => crafted(authority, files.site, { type: LICENSE_TYPES.install })],
    ['an install file as a site file', 'LICENSE_INVALID', () => crafted(authority, files.install, { type: LICENSE_TYPES.site })],
    ['the installation request', 'LICENSE_FOREIGN', () => master.license.installRequest()],
    ['another kind of token by the authority', 'LICENSE_INVALID', () => crafted(authority, files.site, { type: 'JWT' })],
    ['a negative limit', 'LICENSE_INVALID', () => crafted(authority, files.site, { claims: { limits: { regions: -1, groups: 1, cas: 1, cms: 1 } } })],
    ['not yet valid', 'LICENSE_NOT_YET_VALID', () => crafted(authority, files.site, { claims: { nbf: seconds(NOW_MS + DAY_MS) } })],
    ['expired', 'LICENSE_EXPIRED', () => crafted(authority, files.site, { claims: { exp: seconds(NOW_MS - 15 * DAY_MS), graceDays: 14 } })],
  ] // prettier-ignore
  test.each(attacks)('%s: %s', async (_, code, forge) => {
    const fresh = await world.master(authority)
    const victim = code === 'LICENSE_FOREIGN' || code === 'LICENSE_INVALID' ? master : fresh
    const added = victim.license.add(offered({ 'forged.jwt': await forge() }), 'test')
    const error: unknown = await added.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(AppError)
    expect((error as AppError).code as string).toBe(code)
    expect((error as AppError).message).toStartWith('cannot add the licence file "forged.jwt": ')
    expect(await victim.database.read.select().from(licenses)).toEqual([])
    expect(victim.license.current()).toMatchObject({
      state: code === 'LICENSE_EXPIRED' ? 'expired' : 'invalid',
      code,
    })
  })
})

test('no character of a file can be changed, added or left out', async () => {
  const keys = await authority.run(async ({ key }) => new Map([[key.thumbprint, key.publicKey]]))
  expect((await verifyLicenseFile(`${files.site}\n`, keys)).ok).toBe(true)
  for (let index = 0; index < files.site.length; index++) {
    const before = files.site.slice(0, index)
    const after = files.site.slice(index + 1)
    const next = String.fromCharCode(files.site.charCodeAt(index) + 1)
    for (const text of [
      before + next + after,
      before + after,
      `${before} ${files.site.slice(index)}`,
    ]) {
      // White space around the whole file is none of it.
      if (text.trim() !== files.site) expect((await verifyLicenseFile(text, keys)).ok).toBe(false)
    }
  }
  for (const text of [`${files.site}=`, `${files.site}A`, files.site.replace('.', '=.')]) {
    expect((await verifyLicenseFile(text, keys)).ok).toBe(false)
  }
}, 60_000)

describe('what others write into the database locks the master', () => {
  const tampered: readonly (readonly [what: string, code: string, write: (own: { readonly site: string }) => Promise<[string, string]>])[] = [
    ['a changed claim', 'LICENSE_INVALID', async () => ['site', changed(files.site, 'claims', { limits: { regions: 99, groups: 99, cas: 99, cms: 99 } })]],
    ['the site file in the place of the install file', 'LICENSE_INVALID', async () => ['install', files.site]],
    ['the install file of another installation', 'LICENSE_FOREIGN', async () => ['install', (await authority.files(await authority.register(), await other.license.installRequest())).install]],
    ['the site file of another site', 'LICENSE_FOREIGN', async () => ['site', (await authority.files(await authority.register(), await master.license.installRequest())).site]],
    ['an expired file', 'LICENSE_EXPIRED', async (own) => ['site', await crafted(authority, own.site, { claims: { exp: seconds(NOW_MS - 15 * DAY_MS) } })]],
  ] // prettier-ignore
  test.each(tampered)('%s: %s', async (_, code, write) => {
    const victim = await world.master(authority)
    const own = await authority.files(await authority.register(), await victim.license.installRequest()) // prettier-ignore
    await victim.license.add(offered(own), 'test')
    expect(victim.license.current().state).toBe('valid')
    const [kind, token] = await write(own)
    await victim.database.write((writer) =>
      writer.run(sql`UPDATE licenses SET token = ${token} WHERE kind = ${kind}`),
    )
    expect(await victim.license.refresh()).toMatchObject({
      state: code === 'LICENSE_EXPIRED' ? 'expired' : 'invalid',
      code,
    })
    expect(() => victim.license.assertLicensed('add a policy')).toThrow(
      expect.objectContaining({ code }),
    )
    expect(() => victim.license.assertLimit('regions', 1)).toThrow(
      expect.objectContaining({ code }),
    )
  })
})

describe('a request must be signed with the key it asks a licence for', () => {
  const refused = async (text: string, siteId?: string) =>
    await authority.files(siteId ?? (await authority.register()), text).then(
      () => 'issued',
      (thrown: AppError) => thrown.code,
    )

  test('changed, unsigned, signed with another key, of another kind or for another site', async () => {
    const request = await master.license.installRequest()
    const key = decode(request.split('.')[0])['jwk']
    expect(await refused(request)).toBe('issued')
    expect(await refused(changed(request, 'claims', { sub: 'other' }))).toBe('INVALID_REQUEST')
    expect(await refused(changed(request, 'header', { jwk: JSON.parse(stranger.publicKey) }))).toBe('INVALID_REQUEST') // prettier-ignore
    expect(await refused(changed(request, 'header', { jwk: undefined }))).toBe('INVALID_REQUEST')
    expect(await refused(resigned(request, 'none', () => ''))).toBe('INVALID_REQUEST')
    expect(await refused(files.site)).toBe('INVALID_REQUEST')
    expect(await refused('')).toBe('INVALID_REQUEST')
    const byStranger = await stranger.run(({ key: own }) =>
      signToken(own, {
        type: LICENSE_TYPES.request,
        claims: decode(request.split('.')[1]),
        header: { jwk: own.publicKey },
      }),
    )
    expect(await refused(byStranger)).toBe('INVALID_REQUEST')
    expect(key).toMatchObject({ kty: 'OKP', crv: 'Ed25519' })
  })

  test('a master that has a site file asks for that site only', async () => {
    const licensed = await world.master(authority)
    const siteId = await authority.register()
    await licensed.license.add(
      offered(await authority.files(siteId, await licensed.license.installRequest())),
      'test',
    )
    const request = await licensed.license.installRequest()
    expect(await refused(request, siteId)).toBe('issued')
    expect(await refused(request)).toBe('INVALID_REQUEST')
  })

  test('holds no secret', async () => {
    const request = await master.license.installRequest()
    expect(JSON.stringify([decode(request.split('.')[0]), decode(request.split('.')[1])])).not.toContain('"d"') // prettier-ignore
  })
})
