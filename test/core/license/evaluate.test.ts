import { describe, expect, test } from 'bun:test'

import { failure, success } from '../../../src/core/base/result.ts'
import type { InstallLicense, SiteLicense } from '../../../src/core/license/claims.ts'
import {
  evaluateLicense,
  isLicensed,
  type StoredLicenses,
} from '../../../src/core/license/evaluate.ts'
import {
  noteTime,
  READINGS_UNTIL_SEEN,
  type SeenTime,
} from '../../../src/core/license/seen-time.ts'
import { DAY_MS } from '../../../src/core/license/term.ts'

const START_MS = Date.parse('2026-11-23T00:00:00Z')
const END_MS = START_MS + 30 * DAY_MS
const GRACE_END_MS = END_MS + 14 * DAY_MS

const limits = { regions: 1, groups: 2, cas: 3, cms: 4 }
const common = {
  id: 'file',
  issuedAtMs: START_MS,
  startMs: START_MS,
  endMs: END_MS,
  graceDays: 14,
  siteId: 'site',
}
const site: SiteLicense = { ...common, company: 'Company', site: 'Site', limits }
const install: InstallLicense = { ...common, installationId: 'installation', keyThumbprint: 'key' }
const installation = { id: 'installation', keyThumbprint: 'key' }

function evaluate(
  stored: { site?: SiteLicense | null; install?: InstallLicense | null } & Partial<
    Pick<StoredLicenses, 'lastRefusal'>
  >,
  times: { nowMs?: number; latestSeenMs?: number } = {},
) {
  const found = {
    site: stored.site === null ? null : success(stored.site ?? site),
    install: stored.install === null ? null : success(stored.install ?? install),
    lastRefusal: stored.lastRefusal ?? null,
  }
  return evaluateLicense(found, installation, { nowMs: START_MS + 1, latestSeenMs: 0, ...times })
}

describe('time', () => {
  test.each([
    ['the first instant', START_MS, 0, 'valid', null],
    ['an instant before the first', START_MS - 1, 0, 'invalid', 'LICENSE_NOT_YET_VALID'],
    ['the last instant', END_MS - 1, 0, 'valid', null],
    ['the end', END_MS, 0, 'grace', 'LICENSE_EXPIRED'],
    ['the last instant of grace', GRACE_END_MS - 1, 0, 'grace', 'LICENSE_EXPIRED'],
    ['the end of grace', GRACE_END_MS, 0, 'expired', 'LICENSE_EXPIRED'],
    ['a clock set back into the term', START_MS + 1, GRACE_END_MS, 'expired', 'LICENSE_EXPIRED'],
    ['a clock set back before the term', START_MS - DAY_MS, START_MS + 1, 'valid', null],
  ] as const)('%s', (...[, nowMs, latestSeenMs, state, code]) => {
    const early = { ...common, issuedAtMs: 0 }
    const stored = { site: { ...site, ...early }, install: { ...install, ...early } }
    const result = evaluate(stored, { nowMs, latestSeenMs })
    expect(result).toMatchObject({ state, code })
    expect(isLicensed(result)).toBe(state === 'valid' || state === 'grace')
  })

  test('what the authority signed is not in the future: its times are the least that it is', () => {
    const late = { ...install, issuedAtMs: GRACE_END_MS }
    expect(evaluate({ install: late }, { nowMs: START_MS }).state).toBe('expired')
  })

  test('the earlier end of the two files counts, and the earlier end of grace', () => {
    const shorter = { ...install, endMs: END_MS - DAY_MS, graceDays: 3 }
    expect(evaluate({ install: shorter })).toMatchObject({
      state: 'valid',
      expiresAtMs: END_MS - DAY_MS,
      graceUntilMs: END_MS + 2 * DAY_MS,
      limits,
    })
    expect(evaluate({ install: shorter }, { nowMs: END_MS - 1 }).state).toBe('grace')
    expect(evaluate({ install: shorter }, { nowMs: END_MS + 2 * DAY_MS }).state).toBe('expired')
  })
})

describe('what is stored', () => {
  const refusal = { code: 'LICENSE_FOREIGN', message: 'cannot add it' } as const
  test.each([
    [
      'nothing',
      { site: null, install: null },
      'missing',
      'LICENSE_MISSING',
      'both licence files are missing',
    ],
    [
      'the site file alone',
      { install: null },
      'missing',
      'LICENSE_MISSING',
      'the Install License File is missing',
    ],
    [
      'the install file alone',
      { site: null },
      'missing',
      'LICENSE_MISSING',
      'the Company/Site License File is missing',
    ],
    [
      'nothing after a refusal',
      { site: null, install: null, lastRefusal: refusal },
      'invalid',
      'LICENSE_FOREIGN',
      'cannot add it',
    ],
    [
      'nothing after an expired one',
      { site: null, install: null, lastRefusal: { ...refusal, code: 'LICENSE_EXPIRED' } },
      'expired',
      'LICENSE_EXPIRED',
      'cannot add it',
    ],
    ['two that are in force after a refusal', { lastRefusal: refusal }, 'valid', null, null],
    [
      'an install file of another installation',
      { install: { ...install, installationId: 'other' } },
      'invalid',
      'LICENSE_FOREIGN',
      'the install licence is for the installation "other", this is "installation"',
    ],
    [
      'an install file for another key',
      { install: { ...install, keyThumbprint: 'other' } },
      'invalid',
      'LICENSE_FOREIGN',
      'the install licence is bound to another key than the one this installation has',
    ],
    [
      'files of two sites',
      { install: { ...install, siteId: 'other' } },
      'invalid',
      'LICENSE_FOREIGN',
      'the install licence is for the site "other", the site licence for "site"',
    ],
  ] as const)('%s', (...[, stored, state, code, message]) => {
    expect(evaluate(stored)).toMatchObject({ state, code, message })
  })

  test('a file that does not verify locks, whatever the other one says', () => {
    const broken = failure('LICENSE_INVALID', 'the file was changed')
    const times = { nowMs: START_MS, latestSeenMs: 0 }
    const stored = { site: success(site), install: broken, lastRefusal: null }
    expect(evaluateLicense(stored, installation, times)).toEqual({
      state: 'invalid',
      code: 'LICENSE_INVALID',
      message: 'the file was changed',
      expiresAtMs: null,
      graceUntilMs: null,
      limits: null,
    })
  })
})

describe('the latest time seen', () => {
  const note = (readings: readonly number[], from: SeenTime = { latestSeenMs: 0, readings: [] }) =>
    readings.reduce(noteTime, from)

  test('counts once the clock held it long enough', () => {
    const steps = Array.from({ length: READINGS_UNTIL_SEEN }, (_, step) => 1000 + step)
    expect(note(steps.slice(1)).latestSeenMs).toBe(0)
    expect(note(steps).latestSeenMs).toBe(1000)
    expect(note([...steps, 5000]).latestSeenMs).toBe(1001)
  })

  test('never goes back, and a clock that was ahead for a while leaves no trace', () => {
    const seen = note(Array.from({ length: 20 }, () => 2000))
    expect(note([9e12, 9e12, 9e12], seen).latestSeenMs).toBe(2000)
    expect(
      note(
        Array.from({ length: 50 }, () => 1),
        seen,
      ).latestSeenMs,
    ).toBe(2000)
  })

  test('holds no more readings than it needs', () => {
    expect(note(Array.from({ length: 100 }, (_, step) => step)).readings).toHaveLength(
      READINGS_UNTIL_SEEN,
    )
  })
})
