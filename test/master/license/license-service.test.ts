import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { DAY_MS } from '../../../src/core/license/term.ts'
import { regions, settings } from '../../../src/master/db/schema.ts'
import { trustLicenseKey } from '../../../src/master/license/trusted-key.ts'
import { LicenseWorld, LIMITS, NOW_MS, offered, type TestAuthority } from './license.fixture.ts'

const world = new LicenseWorld()
afterAll(() => world.close())

let authority: TestAuthority
beforeAll(async () => {
  authority = await world.authority()
})

async function licensedMaster(wanted: { days?: number; graceDays?: number } = {}) {
  const master = await world.master(authority)
  const siteId = await authority.register(wanted)
  const request = await master.license.installRequest()
  await master.license.add(offered(await authority.files(siteId, request)), 'test')
  return { ...master, siteId, request }
}

/** What a promise was rejected with; fails where it was not. */
async function refusal(attempt: Promise<unknown>): Promise<unknown> {
  return await attempt.then(
    () => 'accepted',
    (thrown: unknown) => thrown,
  )
}

/** 30 days from Monday, 23 November 2026 end on Wednesday, 23 December. */
const END_MS = Date.parse('2026-12-23T12:00:00Z')

describe('from nothing to a valid licence', () => {
  test('in any order, or both files at once', async () => {
    const master = await world.master(authority)
    const { license } = master
    const files = await authority.files(await authority.register(), await license.installRequest())
    expect(license.current()).toMatchObject({ state: 'missing', code: 'LICENSE_MISSING' })
    await license.add(offered({ install: files.install }), 'test')
    expect(license.current()).toMatchObject({ state: 'missing', code: 'LICENSE_MISSING' })
    await license.add(offered({ site: files.site }), 'test')
    expect(license.current()).toEqual({
      state: 'valid',
      code: null,
      message: null,
      limits: LIMITS,
      expiresAt: new Date(END_MS).toISOString(),
      graceUntil: new Date(END_MS + 14 * DAY_MS).toISOString(),
    })
  })

  test('all files of one call are stored or none', async () => {
    const { license } = await world.master(authority)
    const { site } = await authority.files(await authority.register(), await license.installRequest()) // prettier-ignore
    expect(await refusal(license.add(offered({ site, install: 'rubbish' }), 'test'))).toMatchObject(
      { code: 'LICENSE_INVALID' },
    )
    expect((await license.view()).company).toBeNull()
  })

  test('a refused file does not touch a valid licence', async () => {
    const { license } = await licensedMaster()
    const other = await world.master(authority)
    const foreign = await authority.files(await authority.register(), await other.license.installRequest()) // prettier-ignore
    await refusal(license.add(offered({ install: foreign.install }), 'test'))
    expect(license.current().state).toBe('valid')
    expect(await refusal(license.add(offered({ site: foreign.site }), 'test'))).toMatchObject({
      code: 'LICENSE_FOREIGN',
      message: expect.stringContaining('add both files of one site together'),
    })
    expect(license.current().state).toBe('valid')
  })

  test('the reason of a refusal is gone once a licence is stored', async () => {
    const { license } = await world.master(authority)
    await refusal(license.add(offered({ rubbish: 'rubbish' }), 'test'))
    expect(license.current().code).toBe('LICENSE_INVALID')
    const files = await authority.files(await authority.register(), await license.installRequest())
    await license.add(offered({ site: files.site }), 'test')
    expect(license.current().code).toBe('LICENSE_MISSING')
  })

  test('a second authority counts once its key is trusted', async () => {
    const second = await world.authority()
    const { license, database } = await world.master(authority)
    const files = await second.files(await second.register(), await license.installRequest())
    expect(await refusal(license.add(offered(files), 'test'))).toMatchObject({
      code: 'LICENSE_FOREIGN',
    })
    await trustLicenseKey(database, { name: 'key', text: second.publicKey }, NOW_MS)
    await license.add(offered(files), 'test')
    expect(license.current().state).toBe('valid')
  })

  test.each([
    '',
    '{}',
    '{"kty":"OKP","crv":"X25519","x":"AA"}',
    '{"kty":"RSA","n":"AQAB","e":"AQAB"}',
  ])('the key %j is refused', async (text) => {
    const { database } = await world.master()
    expect(
      await refusal(trustLicenseKey(database, { name: 'key.jwk', text }, NOW_MS)),
    ).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: 'cannot read the key "key.jwk": it is no Ed25519 public key in JWK form',
    })
  })

  test('shows whom it is for, what is used and what is left', async () => {
    const { license, database, siteId } = await licensedMaster()
    await database.write((writer) =>
      writer.insert(regions).values({ id: 'r', name: 'home', createdAtMs: NOW_MS }),
    )
    expect(await license.view()).toMatchObject({
      state: 'valid',
      company: 'Company',
      siteId,
      limits: LIMITS,
      used: { regions: 1, groups: 0, cas: 0, cms: 0 },
      left: { regions: 1, groups: 3, cas: 4, cms: 5 },
    })
  })
})

describe('over time', () => {
  test('a licence ends while the master runs, first into grace', async () => {
    const { license, clock } = await licensedMaster()
    clock.set(END_MS - 1)
    expect(license.current().state).toBe('valid')
    clock.set(END_MS)
    expect(license.current()).toMatchObject({ state: 'grace', code: 'LICENSE_EXPIRED' })
    license.assertLicensed('add a policy')
    license.assertLimit('regions', 2)
    clock.set(END_MS + 14 * DAY_MS)
    expect(() => license.assertLicensed('add a policy')).toThrow(
      `cannot add a policy: the licence expired at ${new Date(END_MS).toISOString()}`,
    )
  })

  test('those who follow are told of each change once', async () => {
    const { license, clock } = await licensedMaster()
    const told: string[] = []
    const stopping = new AbortController()
    const unsubscribe = license.subscribe(() => told.push(license.current().state))
    const watching = license.watch(stopping.signal)
    const moveUntil = async (timeMs: number, count: number) => {
      clock.set(timeMs)
      for (let step = 1; told.length < count; step++) {
        await Bun.sleep(1)
        clock.set(timeMs + step)
        if (step % 10 === 0) clock.set(timeMs + step * 1000)
      }
    }
    await moveUntil(END_MS, 1)
    await moveUntil(END_MS + 14 * DAY_MS, 2)
    expect(told).toEqual(['grace', 'expired'])
    unsubscribe()
    stopping.abort()
    await watching
  })

  test('what another process adds is seen by the one that runs', async () => {
    const running = await world.master(authority)
    const command = await running.reopen()
    const request = await command.installRequest()
    const files = await authority.files(await authority.register(), request)
    expect(running.license.current().state).toBe('missing')
    await command.add(offered(files), 'command line')
    expect((await running.license.view()).state).toBe('valid')
  })

  test('a clock set back does not make a licence young again', async () => {
    const master = await licensedMaster()
    const stopping = new AbortController()
    const watching = master.license.watch(stopping.signal)
    const seen = async () => {
      const rows = await master.database.read.select().from(settings)
      return Number(rows.find(({ key }) => key === 'license.latestSeenMs')?.value ?? 0)
    }
    const lateMs = END_MS + 15 * DAY_MS
    for (let minute = 0; (await seen()) < lateMs; minute++) {
      master.clock.set(lateMs + minute * 60_000)
      await Bun.sleep(1)
    }
    stopping.abort()
    await watching
    master.clock.set(NOW_MS)
    expect(master.license.current().state).toBe('expired')
    expect((await master.reopen()).current().state).toBe('expired')
  })

  test('a newly issued file puts a clock right that once ran ahead', async () => {
    const master = await licensedMaster()
    await master.database.write(async (writer) => {
      await writer.update(settings).set({ value: END_MS + 400 * DAY_MS })
    })
    expect((await master.license.refresh()).state).toBe('expired')
    const old = await authority.files(master.siteId, master.request)
    authority.clock.set(NOW_MS + 60_000)
    const fresh = await authority.files(master.siteId, master.request)
    authority.clock.set(NOW_MS)
    expect(await refusal(master.license.add(offered(old), 'test'))).toMatchObject({
      code: 'LICENSE_EXPIRED',
    })
    await master.license.add(offered(fresh), 'test')
    expect(master.license.current().state).toBe('valid')
  })
})

describe('limits', () => {
  test('one is passed by one', async () => {
    const { license } = await licensedMaster()
    license.assertLimit('regions', 2)
    expect(() => license.assertLimit('regions', 3)).toThrow(
      'cannot add a region: the licence allows 2 regions, 2 are in use',
    )
  })

  test('fifty at once on the last free place: exactly one wins', async () => {
    const { license, database } = await licensedMaster()
    const add = (name: string) =>
      database.write(async (writer) => {
        const rows = await writer.select().from(regions)
        license.assertLimit('regions', rows.length + 1)
        await writer.insert(regions).values({ id: name, name, createdAtMs: NOW_MS })
      })
    await add('first')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => add(`region-${index}`)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await database.read.select().from(regions)).toHaveLength(2)
  })
})
