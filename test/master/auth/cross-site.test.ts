import { expect, test } from 'bun:test'

import {
  type RequestOrigin,
  assertNotForeign,
  assertSameSite,
} from '../../../src/master/auth/cross-site.ts'

const TOKEN = 'session-token'
const HOST = 'master.example:7400'
const post: RequestOrigin = {
  method: 'POST',
  fetchSite: null,
  origin: null,
  host: HOST,
  csrfToken: null,
}

const CASES: readonly (readonly [
  what: string,
  request: Partial<RequestOrigin>,
  allowed: boolean,
])[] = [
  ['a read from anywhere', { method: 'GET', fetchSite: 'cross-site' }, true],
  ['a page of ours', { fetchSite: 'same-origin' }, true],
  ['a page of another site', { fetchSite: 'cross-site' }, false],
  ['a page of a sibling host', { fetchSite: 'same-site' }, false],
  ['another site that knows the token', { fetchSite: 'cross-site', csrfToken: TOKEN }, false],
  ['an old browser on our page', { origin: `http://${HOST}` }, true],
  ['an old browser elsewhere', { origin: 'http://evil.example' }, false],
  ['another port of our host', { origin: 'http://master.example:9999' }, false],
  ['a sandboxed page', { origin: 'null' }, false],
  ['a program without the token', {}, false],
  ['a program with the token', { csrfToken: TOKEN }, true],
  ['a program with a wrong token', { csrfToken: 'guess' }, false],
  ['a bookmark without the token', { fetchSite: 'none' }, false],
  ['a bookmark with the token', { fetchSite: 'none', csrfToken: TOKEN }, true],
]

test.each(CASES)('assertSameSite() with %s', (_what, request, allowed) => {
  const check = () => assertSameSite({ ...post, ...request }, TOKEN)
  if (allowed) expect(check).not.toThrow()
  else expect(check).toThrow(expect.objectContaining({ code: 'CROSS_SITE' }))
})

test('assertNotForeign() lets programs sign in and refuses other sites', () => {
  expect(() => assertNotForeign(post)).not.toThrow()
  expect(() => assertNotForeign({ ...post, fetchSite: 'cross-site' })).toThrow(
    expect.objectContaining({ code: 'CROSS_SITE' }),
  )
})
