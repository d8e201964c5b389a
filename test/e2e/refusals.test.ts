import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'drizzle-orm'

import { openMasterDatabase } from '../../src/master/db/database.ts'
import { type EntryName, mustRunEntry, runEntry, ServingMaster, startEntry } from './entry.ts'

// What a person gets wrong, or the world does: one clear line on standard error, and the exit status of the contract.

const MINUTE_MS = 60_000
const root = mkdtempSync(join(tmpdir(), 'cd-refusals-'))
const path = (name: string) => join(root, name)

let master: ServingMaster
/** Holds a port that nobody else can have. */
let squatter: Bun.TCPSocketListener<undefined>
const taken = () => `127.0.0.1:${squatter.port}`
const tokens = { used: '', expired: '', other: '', fresh: '' }

beforeAll(async () => {
  await mustRunEntry('license', ['init', '--dir', path('authority')])
  writeFileSync(path('key'), await mustRunEntry('license', ['public-key', '--dir', path('authority')])) // prettier-ignore
  writeFileSync(path('password'), 'correct horse battery staple\n')
  writeFileSync(path('short'), 'abc\n')
  writeFileSync(path('wrong-token'), 'cd_not_a_token\n')
  await mustRunEntry('master', ['init', '--dir', path('master'), '--admin', 'admin', '--password-file', path('password'), '--license-key', path('key')]) // prettier-ignore
  await license()
  master = await ServingMaster.start(path('master'))
  squatter = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } })
  await makeTokens()
  await enroll('agent', tokens.used)
  await mustRunEntry('license', ['init', '--dir', path('newer')])
  writeFileSync(path('newer/version'), '{"kind":"authority","version":99}\n')
}, MINUTE_MS)

afterAll(async () => {
  squatter.stop(true)
  await master.stop()
  rmSync(root, { recursive: true, force: true })
}, MINUTE_MS)

async function license(): Promise<void> {
  const authority = ['--dir', path('authority')]
  const id = await mustRunEntry('license', ['register', ...authority, '--company', 'C', '--site', 'S', '--cas', '1', '--cms', '1']) // prettier-ignore
  await mustRunEntry('master', ['install-request', '--dir', path('master'), '--out', path('request')]) // prettier-ignore
  await mustRunEntry('license', ['issue-site', ...authority, '--site', id, '--out', path('site')])
  await mustRunEntry('license', ['issue-install', ...authority, '--site', id, '--request', path('request'), '--out', path('install')]) // prettier-ignore
  await mustRunEntry('master', ['license', 'add', '--dir', path('master'), path('site'), path('install')]) // prettier-ignore
}

async function post<T>(where: string, body: object): Promise<T> {
  const answer = await master.api(where, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${where}: ${await answer.text()}`)
  return (await answer.json()) as T
}

async function makeTokens(): Promise<void> {
  const region = await post<{ id: string }>('/regions', { name: 'home' })
  const group = await post<{ id: string }>('/groups', { name: 'web', regionId: region.id })
  const token = async (expiresInS: number) => {
    const order = { groupId: group.id, roles: ['cas', 'cms', 'sm'], expiresInS, maxUses: 1 }
    return (await post<{ token: string }>('/enrollment-tokens', order)).token
  }
  tokens.used = await token(3600)
  tokens.fresh = await token(3600)
  tokens.expired = await token(60)
  await expireToken()
  const parts = tokens.fresh.split('.')
  tokens.other = `${parts[0]}.${parts[1]}.${'A'.repeat(43)}`
}

/** Nobody waits a minute for a test: the youngest token is made older by hand. */
async function expireToken(): Promise<void> {
  const database = await openMasterDatabase(join(path('master'), 'master.db'))
  await database.write((writer) =>
    writer.run(
      sql`UPDATE enrollment_tokens SET expires_at_ms = created_at_ms WHERE created_at_ms = (SELECT max(created_at_ms) FROM enrollment_tokens)`,
    ),
  )
  await database.close()
}

const gateway = () => `https://127.0.0.1:${master.gatewayPort}`

async function enroll(name: string, token: string): Promise<void> {
  await mustRunEntry('agent', ['enroll', '--dir', path(name), '--master', gateway(), '--name', name, '--token', '-'], token) // prettier-ignore
}

interface Refusal {
  readonly entry: EntryName
  readonly argv: () => readonly string[]
  readonly status: 1 | 2 | 3 | 4
  readonly line: () => string | RegExp
}

const row = (entry: EntryName, argv: () => readonly string[], status: Refusal['status']) => ({
  says: (line: () => string | RegExp): Refusal => ({ entry, argv, status, line }),
})

const enrolling = (token: () => string, where = gateway) => () =>
  ['enroll', '--dir', path('new-agent'), '--master', where(), '--name', 'new', '--token', token()] // prettier-ignore
const initializing = (...patch: readonly string[]) => () =>
  ['init', '--dir', path('new-master'), '--admin', 'admin', ...patch] // prettier-ignore
const serving = (...patch: readonly string[]) => () =>
  ['serve', '--dir', path('master'), '--admin', '127.0.0.1:0', '--gateway', '127.0.0.1:0', ...patch] // prettier-ignore

const table: Readonly<Record<string, readonly Refusal[]>> = {
  'wrong flags': [
    row('master', () => ['serve'], 2).says(() => 'missing --dir DIR [USAGE]'),
    row('master', () => ['sevre'], 2).says(() => 'unknown command "sevre"; did you mean serve; see cd-master --help [USAGE]'),
    row('master', () => ['serve', '--dir', 'x', '--admin', '7400'], 2).says(() => '--admin must be HOST:PORT or [IPv6]:PORT, not "7400" [USAGE]'),
    row('master', () => ['serve', '--dir', 'x', '--tls-cert', 'y'], 2).says(() => '--tls-cert and --tls-key are given together or not at all [USAGE]'),
    row('master', () => ['token', '--dir', 'x', '--user', 'y', '--role', 'root'], 2).says(() => '--role must be one of admin, operator, viewer, not "root" [USAGE]'),
    row('master', () => ['license', 'add', '--dir', 'x'], 2).says(() => 'missing FILE; see cd-master license add --help [USAGE]'),
    row('agent', () => ['enroll', '--dir', 'x'], 2).says(() => 'missing --master URL [USAGE]'),
    row('agent', () => ['enroll', '--dir', 'x', '--master', 'http://m:1', '--token', 'x'], 2).says(() => '--master must be a URL that begins with https://, not "http://m:1" [USAGE]'),
    row('agent', () => ['run', '--dir', 'x', '--watcher', 'y'], 2).says(() => '--watcher must be one of auto, kernel, parcel, not "y" [USAGE]'),
    row('agent', () => ['status', '--dir', 'x', '--wait', '5'], 2).says(() => '--wait needs --policy [USAGE]'),
    row('license', () => ['register', '--dir', 'x', '--comapny', 'y'], 2).says(() => 'unknown option "--comapny"; did you mean --company [USAGE]'),
  ],
  'an unreachable master': [
    row('agent', enrolling(() => tokens.fresh, () => 'https://127.0.0.1:1'), 1).says(() => 'cannot enrol at 127.0.0.1:1: connection refused [MASTER_UNREACHABLE]'),
    row('master', () => ['status', '--url', 'http://127.0.0.1:1', '--token', 'x'], 1).says(() => /^cannot reach the master at http:\/\/127\.0\.0\.1:1: .+ \[MASTER_UNREACHABLE\]$/),
  ],
  'a token that does not count': [
    row('agent', enrolling(() => tokens.used), 4).says(() => /^cannot enrol: .*used.* \[TOKEN_USED\]$/),
    row('agent', enrolling(() => tokens.expired), 4).says(() => /^cannot enrol: .*expired at \S+Z \[TOKEN_EXPIRED\]$/),
    row('agent', enrolling(() => 'rubbish'), 4).says(() => 'cannot enrol: the token is incomplete or no enrolment token [TOKEN_INVALID]'),
    row('agent', enrolling(() => tokens.other), 1).says(() => /^cannot enrol at 127\.0\.0\.1:\d+: .+ \[MASTER_UNTRUSTED\]$/),
    row('agent', enrolling(() => tokens.fresh), 4).says(() => /^cannot enrol: .*the licence allows 1 .*1 is in use \[LICENSE_LIMIT\]$/),
    row('master', () => ['status', '--url', master.adminUrl, '--token-file', path('wrong-token')], 4).says(() => /\[UNAUTHENTICATED\]$/),
  ],
  'a port that is taken': [
    row('master', serving('--admin', 'x'), 2).says(() => '--admin is given 2 times, but counts once [USAGE]'),
    row('agent', () => ['run', '--dir', path('agent'), '--log-level', 'error', '--listen', taken()], 1).says(() => `cannot listen on ${taken()}: the port is in use [PORT_IN_USE]`),
  ],
  'a data folder that is not ours to use': [
    row('license', () => ['list', '--dir', path('newer')], 1).says(() => `cannot open "${path('newer')}": its layout has version 99, this program reads version 1 [DATA_VERSION]`),
    row('master', () => ['serve', '--dir', path('authority')], 1).says(() => `cannot open "${path('authority')}": it is a data folder of cd-license, not of cd-master [DATA_VERSION]`),
    row('agent', () => ['run', '--dir', path('master')], 1).says(() => `cannot open "${path('master')}": it is a data folder of cd-master, not of cd-agent [DATA_VERSION]`),
    row('master', () => ['token', '--dir', path('none'), '--user', 'admin'], 1).says(() => `cannot open "${path('none')}": it is no data folder [DATA_DIR_MISSING]`),
    row('agent', () => ['status', '--dir', path('none')], 1).says(() => `cannot open "${path('none')}": it is no data folder [DATA_DIR_MISSING]`),
    row('master', serving(), 1).says(() => `cannot lock "${path('master')}": another process runs on it [DATA_DIR_LOCKED]`),
    row('agent', () => ['enroll', '--dir', path('agent'), '--master', gateway(), '--token', tokens.fresh], 1).says(() => `cannot create "${path('agent')}": it exists and is not empty [DATA_DIR_EXISTS]`),
    row('master', () => ['init', '--dir', path('master'), '--admin', 'a', '--password-file', path('password'), '--license-key', path('key')], 1).says(() => `cannot create "${path('master')}": it exists and is not empty [DATA_DIR_EXISTS]`),
  ],
  'what a new master is made from': [
    row('master', initializing('--password-file', path('none'), '--license-key', path('key')), 1).says(() => `cannot read "${path('none')}": no such file or folder [FILE_UNREADABLE]`),
    row('master', initializing('--password-file', path('password'), '--license-key', path('password')), 1).says(() => `cannot read the key "${path('password')}": it is no Ed25519 public key in JWK form [FILE_UNREADABLE]`),
    row('master', initializing('--password-file', path('short'), '--license-key', path('key')), 1).says(() => /password.*\[INVALID_REQUEST\]$/),
  ],
  'accounts, and what comes later': [
    row('master', () => ['token', '--dir', path('master'), '--user', 'nobody'], 1).says(() => /nobody.*\[NOT_FOUND\]$/),
    row('master', () => ['user', 'set-password', '--dir', path('master'), '--user', 'nobody', '--password-file', path('password')], 1).says(() => /nobody.*\[NOT_FOUND\]$/),
    row('master', () => ['backup'], 1).says(() => /\[NOT_IMPLEMENTED\]$/),
    row('master', () => ['license', 'add', '--dir', path('master'), path('key')], 3).says(() => `cannot add the licence file "${path('key')}": it is no licence file [LICENSE_INVALID]`),
  ],
} // prettier-ignore

for (const [what, rows] of Object.entries(table)) {
  describe(what, () => {
    test.each(rows.map((refusal) => [refusal.entry, refusal] as const))(
      '%s %#',
      async (entry, refusal) => {
        const { status, stdout, stderr } = await runEntry(entry, refusal.argv())
        const line = refusal.line()
        const prefix = `cd-${entry}: `
        expect(stdout).toBe('')
        expect(stderr.trimEnd().split('\n')).toHaveLength(1)
        expect(stderr).toStartWith(prefix)
        const said = stderr.slice(prefix.length).trimEnd()
        if (typeof line === 'string') expect(said).toBe(line)
        else expect(said).toMatch(line)
        expect(status).toBe(refusal.status)
      },
      MINUTE_MS,
    )
  })
}

describe('a master that cannot listen', () => {
  const listening: readonly (readonly [flags: () => readonly string[], line: () => string | RegExp])[] = [
    [() => ['--admin', taken(), '--gateway', '127.0.0.1:0'], () => `cannot listen on ${taken()}: the port is in use [PORT_IN_USE]`],
    [() => ['--admin', '127.0.0.1:0', '--gateway', taken()], () => `cannot listen on ${taken()}: the port is in use [PORT_IN_USE]`],
    [() => ['--admin', '0.0.0.0:0', '--gateway', '127.0.0.1:0'], () => /0\.0\.0\.0.*\[LISTEN_REFUSED\]$/],
  ] // prettier-ignore

  test.each(listening)(
    '%#',
    async (flags, line) => {
      const dir = path('other-master')
      const init = ['init', '--dir', dir, '--admin', 'admin', '--password-file', path('password'), '--license-key', path('key')] // prettier-ignore
      rmSync(dir, { recursive: true, force: true })
      await mustRunEntry('master', init)
      const child = startEntry('master', ['serve', '--dir', dir, '--log-level', 'error', ...flags()]) // prettier-ignore
      const stderr = (await child.stderr.text()).trimEnd()
      expect(await child.exited).toBe(1)
      const expected = line()
      if (typeof expected === 'string') expect(stderr).toBe(`cd-master: ${expected}`)
      else expect(stderr).toMatch(expected)
    },
    MINUTE_MS,
  )
})

test('no secret stands in an argument list that others can read, or in what is printed', async () => {
  const made = await runEntry('master', ['user', 'set-password', '--dir', path('master'), '--user', 'admin', '--password-file', '-'], 'another correct horse\n') // prettier-ignore
  expect(made).toMatchObject({ status: 0, stderr: '' })
  expect(made.stdout).not.toContain('another correct horse')
  expect(readFileSync(path('master/version'), 'utf8')).not.toContain('horse')
}, 60_000)
