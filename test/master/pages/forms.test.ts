import { afterAll, beforeAll, expect, test } from 'bun:test'

import { PASSWORD, type TestAdmin, startTestAdmin } from '../../fakes/test-admin.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

let admin: TestAdmin
let cookie = ''
let csrf = ''

beforeAll(async () => {
  admin = await startTestAdmin()
  const login = await admin.call(null, 'POST /login', { name: 'admin', password: PASSWORD })
  cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  csrf = ((await login.json()) as { csrfToken: string }).csrfToken
})

afterAll(async () => {
  await admin.stop()
  removeMasterFolders()
})

const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(admin.url + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, 'sec-fetch-site': 'same-origin', ...headers },
    body: new URLSearchParams(fields),
  })

const regions = async () =>
  (
    (await (await admin.call('admin', 'GET /regions')).json()) as { items: { name: string }[] }
  ).items.map(({ name }) => name)

test.each([
  ['without the token of the session', { name: 'x1' }, {}],
  ['with a wrong token', { name: 'x2', csrf: 'guess' }, {}],
  ['from another site', { name: 'x3', csrf: 'real' }, { 'sec-fetch-site': 'cross-site' }],
  ['from another origin', { name: 'x4', csrf: 'real' }, { 'sec-fetch-site': 'same-site' }],
])('a form %s changes nothing', async (_what, fields, headers) => {
  const sent: Record<string, string> = { ...fields }
  if (sent['csrf'] === 'real') sent['csrf'] = csrf
  const answer = await post('/regions', sent, headers)
  expect([answer.status, (await answer.text()).includes('CROSS_SITE')]).toEqual([403, true])
  expect(await regions()).not.toContain(fields.name)
})

test('a form of ours does its work, leads on, and says so once', async () => {
  const answer = await post('/regions', { name: 'eu', csrf })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/topology'])
  expect(await regions()).toContain('eu')
  const notice = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  const shown = await fetch(`${admin.url}/topology`, {
    headers: { cookie: `${cookie}; ${notice}` },
  })
  expect(await shown.text()).toContain('Region eu is there')
  expect(shown.headers.get('set-cookie')).toContain('cd_notice=;')
})

test('what is refused leads back to where one came from, with the reason', async () => {
  const referer = `${admin.url}/topology?from=here`
  const answer = await post('/regions', { name: 'not a name', csrf }, { referer })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/topology?from=here'])
  const elsewhere = await post(
    '/regions',
    { name: 'not a name', csrf },
    { referer: 'http://evil.example/x' },
  )
  expect(elsewhere.headers.get('location')).toBe('/topology')
})

test.each([
  '//evil.example',
  '/\\evil.example',
  'https://evil.example',
  'javascript:alert(1)',
  '/a\nb',
])('signing in never leads to %j', async (back) => {
  const answer = await post('/sign-in', { name: 'admin', password: PASSWORD, back }, { cookie: '' })
  expect(answer.headers.get('location')).toBe('/')
})

test('names and messages are written into pages as text, never as markup', async () => {
  const answer = await fetch(
    `${admin.url}/audit?actorName=%22%3E%3Cscript%3Ealert(1)%3C/script%3E`,
    {
      headers: { cookie },
    },
  )
  const text = await answer.text()
  expect(text).not.toContain('<script>alert')
  expect(text).toContain('&lt;script&gt;alert')
})

test('a part that is read again by itself leaves the message for the next page', async () => {
  const notice =
    (await post('/regions', { name: 'us', csrf })).headers.get('set-cookie')?.split(';')[0] ?? ''
  const headers = { cookie: `${cookie}; ${notice}`, 'hx-request': 'true' }
  const part = await fetch(`${admin.url}/topology`, { headers })
  expect(part.headers.get('set-cookie')).toBeNull()
})

test('licence files are taken as they are uploaded, and what is none is refused with the reason', async () => {
  const upload = (...files: readonly string[]) => {
    const form = new FormData()
    form.set('csrf', csrf)
    for (const [index, text] of files.entries())
      form.append('files', new File([text], `${index}.lic`))
    return fetch(`${admin.url}/license`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
      body: form,
    })
  }
  const noticeOf = (answer: Response) => {
    const value = /cd_notice=([^;]*)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? ''
    return Buffer.from(value, 'base64url').toString()
  }
  expect(noticeOf(await upload('licence one', 'licence two'))).toContain('The licence is valid')
  expect(admin.offered).toEqual(['licence one', 'licence two'])
  expect(noticeOf(await upload('rubbish'))).toContain('it is no licence file')
  expect(noticeOf(await upload())).toContain('choose 1 to 10')
})
