import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { runAgentProgram } from '../../fakes/agent-program.ts'
import { type FakeMaster, startFakeMaster } from '../../fakes/fake-master.ts'

setDefaultTimeout(20_000)

let base: string
let master: FakeMaster

beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'commands-')))
  master = await startFakeMaster()
  mkdirSync(join(base, 'full'))
  writeFileSync(join(base, 'full/something'), '')
  const enrolled = await enroll('enrolled', master.token())
  expect(enrolled.status).toBe(0)
  for (const [name, version] of [
    ['newer', { kind: 'agent', version: 99 }],
    ['masters', { kind: 'master', version: 1 }],
  ] as const) {
    mkdirSync(join(base, name))
    writeFileSync(join(base, name, 'version'), JSON.stringify(version))
  }
})
afterAll(() => {
  master.kill()
  rmSync(base, { recursive: true, force: true })
})

const at = (name: string) => join(base, name)
function enroll(name: string, token: string, ...more: string[]) {
  return runAgentProgram([
    'enroll',
    '--dir',
    at(name),
    '--master',
    master.url.href,
    '--token',
    token,
    ...more,
  ])
}

describe('each refusal is one line and has its exit status', () => {
  const silent = ['--master', 'https://127.0.0.1:1']
  const rows: readonly (readonly [
    what: string,
    args: () => string[],
    status: number,
    line: RegExp,
  ])[] = [
    ['no command', () => [], 2, /^cd-agent: .*\[USAGE\]$/],
    ['an unknown command', () => ['fly'], 2, /"fly".*\[USAGE\]$/],
    ['an unknown flag', () => ['run', '--dir', at('enrolled'), '--fast'], 2, /--fast.*\[USAGE\]$/],
    ['a missing flag', () => ['run'], 2, /--dir.*\[USAGE\]$/],
    ['no token', () => ['enroll', '--dir', at('new'), ...silent], 2, /--token.*\[USAGE\]$/],
    [
      'a faulty address',
      () => ['run', '--dir', at('enrolled'), '--listen', 'here'],
      2,
      /--listen must be HOST:PORT.*\[USAGE\]$/,
    ],
    [
      'a faulty scope',
      () => ['run', '--dir', at('enrolled'), '--advertise', 'moon=a:1'],
      2,
      /--advertise must be \[SCOPE=\]HOST:PORT.*\[USAGE\]$/,
    ],
    [
      'an address where there is none',
      () => ['run', '--dir', at('enrolled'), '--dial-out', '--advertise', 'web:1'],
      2,
      /--dial-out says that there is nothing to --advertise \[USAGE\]$/,
    ],
    [
      'an unknown role',
      () => ['run', '--dir', at('enrolled'), '--roles', 'cas,chef'],
      2,
      /--roles.*\[USAGE\]$/,
    ],
    [
      'an unknown watcher',
      () => ['run', '--dir', at('enrolled'), '--watcher', 'owl'],
      2,
      /--watcher.*\[USAGE\]$/,
    ],
    [
      'a plain address of the master',
      () => [
        'enroll',
        '--dir',
        at('new'),
        '--master',
        'http://127.0.0.1:1',
        '--token',
        master.token(),
      ],
      2,
      /--master must be a URL.*https.*\[USAGE\]$/,
    ],
    [
      'a name that is none',
      () => ['enroll', '--dir', at('new'), ...silent, '--token', master.token(), '--name', 'a b'],
      2,
      /--name must be .*"a b" \[USAGE\]$/,
    ],
    [
      'a broken token',
      () => ['enroll', '--dir', at('new'), ...silent, '--token', 'cdt1.x.y'],
      4,
      /^cd-agent: cannot enrol: .*\[TOKEN_INVALID\]$/,
    ],
    [
      'nobody at the address',
      () => ['enroll', '--dir', at('new'), ...silent, '--token', master.token()],
      1,
      /^cd-agent: cannot enrol at 127\.0\.0\.1:1: .*\[MASTER_UNREACHABLE\]$/,
    ],
    [
      'a token file that is not there',
      () => ['enroll', '--dir', at('new'), ...silent, '--token-file', at('none')],
      1,
      /none.*\[FILE_UNREADABLE\]$/,
    ],
    [
      'a folder that is in use',
      () => [
        'enroll',
        '--dir',
        at('enrolled'),
        '--master',
        master.url.href,
        '--token',
        master.token(),
      ],
      1,
      /\[DATA_DIR_EXISTS\]$/,
    ],
    [
      'a folder with something in it',
      () => ['enroll', '--dir', at('full'), '--master', master.url.href, '--token', master.token()],
      1,
      /\[DATA_DIR_EXISTS\]$/,
    ],
    [
      'a folder that was never enrolled',
      () => ['run', '--dir', at('none')],
      1,
      /\[DATA_DIR_MISSING\]$/,
    ],
    [
      'a folder of a newer version',
      () => ['run', '--dir', at('newer')],
      1,
      /version 99.*version 1 \[DATA_VERSION\]$/,
    ],
    [
      "a master's folder",
      () => ['status', '--dir', at('masters')],
      1,
      /cd-master.*cd-agent \[DATA_VERSION\]$/,
    ],
    [
      'waiting for nothing',
      () => ['status', '--dir', at('enrolled'), '--wait', '1'],
      2,
      /--wait needs --policy \[USAGE\]$/,
    ],
  ]
  test.each(rows)('%s', async (...[, args, status, line]) => {
    const finished = await runAgentProgram(args())
    expect(finished.stderr.trimEnd()).toMatch(line)
    expect(finished.stderr.trimEnd()).not.toContain('\n')
    expect(finished).toMatchObject({ status, stdout: '' })
  })

  test('a used token', async () => {
    const token = master.token()
    expect(await enroll('first', token)).toMatchObject({ status: 0, stderr: '' })
    expect(await enroll('second', token)).toMatchObject({
      status: 4,
      stderr: 'cd-agent: cannot enrol: the token was used already [TOKEN_USED]\n',
    })
    expect(existsSync(at('second'))).toBe(false)
  })

  test('a port that is taken', async () => {
    const listener = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: () => undefined },
    })
    const address = `127.0.0.1:${listener.port}`
    const finished = await runAgentProgram([
      'run',
      '--dir',
      at('enrolled'),
      '--listen',
      address,
      '--log-level',
      'error',
    ])
    listener.stop(true)
    expect(finished.status).toBe(1)
    expect(finished.stderr).toMatch(/^cd-agent: cannot listen on .*\[PORT_IN_USE\]\n$/)
  })
})

describe('enroll', () => {
  test('keeps key and identity in a folder for its owner alone', async () => {
    const { serverId, name } = JSON.parse(
      (
        await enroll(
          'kept',
          master.token(),
          '--name',
          'web-1',
          '--json',
          '--allow',
          '/srv/a',
          '--allow',
          '/srv/b',
        )
      ).stdout,
    )
    expect(name).toBe('web-1')
    expect(statSync(at('kept')).mode & 0o777).toBe(0o700)
    expect(statSync(at('kept/agent.key')).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(at('kept/identity.json'), 'utf8'))).toMatchObject({
      serverId,
      name: 'web-1',
      masters: [master.url.href],
    })
    expect(JSON.parse(readFileSync(at('kept/allow.json'), 'utf8'))).toEqual({
      allow: ['/srv/a', '/srv/b'],
    })
  })

  test('takes the token from standard input and from a file', async () => {
    const fromStdin = [
      'enroll',
      '--dir',
      at('by-stdin'),
      '--master',
      master.url.href,
      '--token',
      '-',
    ]
    expect(await runAgentProgram(fromStdin, `${master.token()}\n`)).toMatchObject({ status: 0 })
    writeFileSync(at('token'), `${master.token()}\n`)
    const fromFile = [
      'enroll',
      '--dir',
      at('by-file'),
      '--master',
      master.url.href,
      '--token-file',
      at('token'),
    ]
    expect(await runAgentProgram(fromFile)).toMatchObject({ status: 0 })
  })

  test('a refused enrolment leaves nothing, so that the next one works', async () => {
    const [, secret] = master.token().split('.')
    const other = await startFakeMaster()
    const [, , fingerprint] = other.token().split('.')
    other.kill()
    expect(await enroll('again', `cdt1.${secret}.${fingerprint}`)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('[MASTER_UNTRUSTED]'),
    })
    expect(await enroll('again', master.token())).toMatchObject({ status: 0 })
  })
})
