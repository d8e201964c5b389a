import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AppError, ERRORS, type ErrorCode } from '../../src/core/base/errors.ts'
import { defineCommand, exitStatusOf, positional } from '../../src/platform/cli-command.ts'
import {
  choice,
  choices,
  flag,
  hostPort,
  path,
  repeated,
  required,
  secret,
  secretFile,
  text,
  url,
  wholeNumber,
  withDefault,
} from '../../src/platform/cli-options.ts'
import { runCaptured } from './cli.fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'cd-cli-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const place = defineCommand({
  name: 'place',
  summary: 'Place an order',
  options: {
    dir: required(text('DIR', 'The data folder')),
    path: path('PATH', 'A path'),
    groups: wholeNumber('How many groups', { min: 1, max: 10 }),
    graceDays: withDefault(wholeNumber('Days of grace', { min: 0, max: 30 }), 14),
    allow: repeated(text('PATH', 'A folder that is allowed')),
    master: repeated(url(['https'], 'A master')),
    watcher: withDefault(choice(['auto', 'kernel'], 'Which watcher'), 'auto'),
    roles: choices(['cms', 'cas', 'sm'], 'Roles'),
    listen: hostPort('Where it listens'),
    token: secret('TOKEN', 'The token'),
    passwordFile: secretFile('The password'),
    quietly: flag('Say less'),
  },
  printsData: true,
  run: async (input, { show }) => show(input, `placed in ${input.dir}`),
})

const add = defineCommand({
  name: 'license add',
  summary: 'Add files',
  options: {},
  positionals: { files: positional('FILE', 'many', 'Licence files') },
  run: async ({ files }, { show }) => show(files, files.join(' ')),
})

const why = defineCommand({
  name: 'why',
  summary: 'Say why',
  options: {},
  positionals: {
    file: positional('FILE', 'one', 'A file'),
    other: positional('OTHER', 'optional', 'Another'),
  },
  run: async ({ file, other }, { show }) => show(null, `${file} ${other}`),
})

const fail = defineCommand({
  name: 'fail',
  summary: 'Fail with a code',
  hidden: true,
  options: { code: required(text('CODE', 'The code')) },
  run: async ({ code }) => {
    if (code === 'status') return 1
    if (code === 'bug') throw new TypeError('x is not\n  a function')
    throw new AppError(code as ErrorCode, 'cannot enrol: token expired at 2026-11-22T10:00:00.000Z')
  },
})

const program = {
  name: 'cd-agent',
  version: '1.2.3',
  summary: 'Watches and receives.',
  commands: [place, add, why, fail],
  versionDetails: () => ({ natives: ['lz4'] }),
}

const run = (...argv: string[]) => runCaptured(program, argv)

describe('what is wrong with a command line is said in one line, exit status 2', () => {
  const table: readonly (readonly [argv: readonly string[], message: string])[] = [
    [[], 'no command given; see cd-agent --help'],
    [['plaec'], 'unknown command "plaec"; did you mean place; see cd-agent --help'],
    [['fial'], 'unknown command "fial"; see cd-agent --help'],
    [['--dir', 'x', 'place'], 'the command comes before "--dir"; see cd-agent --help'],
    [['license'], '"license" needs one more word: license add'],
    [['place'], 'missing --dir DIR'],
    [['place', '--dir'], '--dir needs a value: --dir DIR'],
    [['place', '--dir', '--quietly'], '--dir needs a value: --dir DIR'],
    [['place', '--dir='], '--dir must not be empty'],
    [['place', '--dir', 'a', '--dir=b'], '--dir is given 2 times, but counts once'],
    [['place', '--dri', 'a'], 'unknown option "--dri"; did you mean --dir'],
    [['place', '--dir', 'a', '-v'], 'unknown option "-v"'],
    [['place', '--dir', 'a', '--zzzzzz=1'], 'unknown option "--zzzzzz"'],
    [
      ['place', '--dir', 'a', '--graceDays', '1'],
      'unknown option "--graceDays"; did you mean --grace-days',
    ],
    [['place', '--dir', 'a', '--quietly=yes'], '--quietly takes no value'],
    [['place', '--dir', 'a', 'b'], 'unexpected argument "b"; see cd-agent place --help'],
    [
      ['place', '--dir', 'a', '--groups', '0'],
      '--groups must be a whole number from 1 to 10, not "0"',
    ],
    [
      ['place', '--dir', 'a', '--groups', '11'],
      '--groups must be a whole number from 1 to 10, not "11"',
    ],
    [
      ['place', '--dir', 'a', '--groups', '1e1'],
      '--groups must be a whole number from 1 to 10, not "1e1"',
    ],
    [['place', '--dir', 'a', '--watcher', 'x'], '--watcher must be one of auto, kernel, not "x"'],
    [
      ['place', '--dir', 'a', '--roles', 'cms,cms'],
      '--roles must be some of cms,cas,sm, separated by commas, each once, not "cms,cms"',
    ],
    [
      ['place', '--dir', 'a', '--roles', 'cms,x'],
      '--roles must be some of cms,cas,sm, separated by commas, each once, not "cms,x"',
    ],
    [
      ['place', '--dir', 'a', '--master', 'http://m'],
      '--master must be a URL that begins with https://, not "http://m"',
    ],
    [
      ['place', '--dir', 'a', '--master', 'm:7401'],
      '--master must be a URL that begins with https://, not "m:7401"',
    ],
    [
      ['place', '--dir', 'a', '--listen', '7410'],
      '--listen must be HOST:PORT or [IPv6]:PORT, not "7410"',
    ],
    [
      ['place', '--dir', 'a', '--listen', 'h:65536'],
      '--listen must be HOST:PORT or [IPv6]:PORT, not "h:65536"',
    ],
    [
      ['place', '--dir', 'a', '--log-level', 'loud'],
      '--log-level must be one of debug, info, warn, error, not "loud"',
    ],
    [
      ['place', '--dir', 'a', '--token', 't', '--token-file', 'f'],
      '--token and --token-file exclude each other',
    ],
    [
      ['place', '--dir', 'a', '--token', '-', '--password-file', '-'],
      '--token and --password-file cannot both be read from standard input',
    ],
    [['place', '--dir', 'a', '--token', ''], '--token must not be empty'],
    [['license', 'add'], 'missing FILE; see cd-agent license add --help'],
    [['why'], 'missing FILE; see cd-agent why --help'],
    [['why', 'a', 'b', 'c'], 'unexpected argument "c"; see cd-agent why --help'],
  ]
  test.each(table)('%j', async (argv, message) => {
    expect(await run(...argv)).toEqual({
      status: 2,
      stdout: '',
      stderr: `cd-agent: ${message} [USAGE]\n`,
    })
  })
})

describe('values', () => {
  const given = async (...argv: string[]) =>
    JSON.parse((await run('place', '--dir', 'd', '--json', ...argv)).stdout)

  test('defaults and absence', async () => {
    expect(await given()).toEqual({
      dir: 'd',
      graceDays: 14,
      allow: [],
      master: [],
      watcher: 'auto',
      quietly: false,
    })
  })

  const table: readonly (readonly [argv: readonly string[], expected: object])[] = [
    [['--groups', '10'], { groups: 10 }],
    [['--grace-days=0'], { graceDays: 0 }],
    [['--path', '-'], { path: '-' }],
    [['--path', 'a'], { path: join(process.cwd(), 'a') }],
    [['--allow', '/a', '--allow=/b=c'], { allow: ['/a', '/b=c'] }],
    [['--allow=--dir'], { allow: ['--dir'] }],
    [['--roles', 'sm,cms'], { roles: ['cms', 'sm'] }],
    [['--listen', '[::1]:0'], { listen: { host: '::1', port: 0 } }],
    [['--listen', '0.0.0.0:7410'], { listen: { host: '0.0.0.0', port: 7410 } }],
    [['--master', 'https://h:7401'], { master: ['https://h:7401/'] }],
    [['--quietly'], { quietly: true }],
    [['--token', 'abc'], { token: 'abc' }],
  ]
  test.each(table)('%j', async (argv, expected) => {
    expect(await given(...argv)).toMatchObject(expected)
  })

  test('what follows -- is no option', async () => {
    expect((await run('license', 'add', '--', '--a', '-b')).stdout).toBe('--a -b\n')
  })

  test('positionals that may be left out', async () => {
    expect((await run('why', 'a')).stdout).toBe('a undefined\n')
    expect((await run('why', 'a', '-')).stdout).toBe('a -\n')
  })
})

describe('secrets', () => {
  const given = async (argv: readonly string[], stdin = '') =>
    await runCaptured(program, ['place', '--dir', 'd', '--json', ...argv], { stdin })

  test.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    [' two lines\n\n', ' two lines\n'],
  ])('a file with %j holds %j', async (content, expected) => {
    const file = join(directory, 'secret')
    writeFileSync(file, content)
    expect(JSON.parse((await given(['--password-file', file])).stdout).passwordFile).toBe(expected)
    expect(JSON.parse((await given(['--token-file', file])).stdout).token).toBe(expected)
  })

  test('come from standard input', async () => {
    expect(JSON.parse((await given(['--token', '-'], 'in\n')).stdout).token).toBe('in')
    expect(JSON.parse((await given(['--password-file', '-'], 'in\n')).stdout).passwordFile).toBe(
      'in',
    )
  })

  test('that cannot be read are a failure, not wrong usage', async () => {
    const file = join(directory, 'none')
    expect(await given(['--token-file', file])).toMatchObject({
      status: 1,
      stderr: `cd-agent: cannot read "${file}": no such file or folder [FILE_UNREADABLE]\n`,
    })
    expect(await given(['--token-file', directory])).toMatchObject({
      status: 1,
      stderr: `cd-agent: cannot read "${directory}": it is a folder [FILE_UNREADABLE]\n`,
    })
  })

  test('larger than a secret can be are refused', async () => {
    const file = join(directory, 'large')
    writeFileSync(file, Buffer.alloc((1 << 20) + 1))
    expect((await given(['--token-file', file])).stderr).toContain('larger than 1048576 bytes')
  })

  test('are never repeated in an error', async () => {
    const { stderr } = await given(['--token', ''])
    expect(stderr).toBe('cd-agent: --token must not be empty [USAGE]\n')
  })
})

describe('errors', () => {
  const table: readonly (readonly [code: ErrorCode, status: number])[] = [
    ['INTERNAL', 1],
    ['USAGE', 2],
    ['MASTER_UNREACHABLE', 1],
    ['MASTER_UNTRUSTED', 1],
    ['PORT_IN_USE', 1],
    ['DATA_VERSION', 1],
    ['LICENSE_MISSING', 3],
    ['LICENSE_INVALID', 3],
    ['LICENSE_FOREIGN', 3],
    ['LICENSE_EXPIRED', 3],
    ['LICENSE_NOT_YET_VALID', 3],
    ['LEASE_EXPIRED', 3],
    ['LICENSE_LIMIT', 4],
    ['TOKEN_INVALID', 4],
    ['TOKEN_EXPIRED', 4],
    ['TOKEN_USED', 4],
    ['AGENT_REVOKED', 4],
    ['AGENT_UNKNOWN', 4],
    ['INCOMPATIBLE', 4],
    ['UNAUTHENTICATED', 4],
    ['FORBIDDEN', 4],
    ['CANCELLED', 130],
  ]
  test.each(table)('%s ends with %i and says so', async (code, status) => {
    expect(await run('fail', '--code', code)).toEqual({
      status,
      stdout: '',
      stderr: `cd-agent: cannot enrol: token expired at 2026-11-22T10:00:00.000Z [${code}]\n`,
    })
  })

  test('every code has a status', () => {
    for (const code of Object.keys(ERRORS)) {
      expect([1, 2, 3, 4, 130]).toContain(exitStatusOf(code as ErrorCode))
    }
  })

  test('a bug is one line too; its stack only on request', async () => {
    const line = 'cd-agent: x is not a function [INTERNAL]\n'
    expect(await run('fail', '--code', 'bug')).toEqual({ status: 1, stdout: '', stderr: line })
    const { stderr } = await run('fail', '--code', 'bug', '--log-level', 'debug')
    expect(stderr.startsWith(line)).toBe(true)
    expect(stderr).toContain('cli.test.ts')
  })

  test('a command may end with a status of its own', async () => {
    expect(await run('fail', '--code', 'status')).toEqual({ status: 1, stdout: '', stderr: '' })
  })

  test('what fails after a signal was interrupted, unless it has a code of its own', async () => {
    const signal = AbortSignal.abort('SIGINT')
    expect(await runCaptured(program, ['fail', '--code', 'bug'], { signal })).toEqual({
      status: 130,
      stdout: '',
      stderr: 'cd-agent: interrupted by SIGINT [CANCELLED]\n',
    })
    expect(await runCaptured(program, ['fail', '--code', 'TOKEN_USED'], { signal })).toMatchObject({
      status: 4,
    })
  })
})

describe('version and help', () => {
  test('version', async () => {
    expect(await run('--version')).toEqual({ status: 0, stdout: 'cd-agent 1.2.3\n', stderr: '' })
    expect((await run('--version', '--json')).stdout).toBe(
      '{"name":"cd-agent","version":"1.2.3","natives":["lz4"]}\n',
    )
  })

  test('help of the program, without hidden commands', async () => {
    expect((await run('--help')).stdout).toMatchSnapshot()
  })

  test.each([[['place']], [['license', 'add']], [['why']]])('help of %j', async (words) => {
    const { status, stdout } = await run(...words, '--help')
    expect(status).toBe(0)
    expect(stdout).toMatchSnapshot()
  })

  test('is found wherever it is asked for, but not behind --', async () => {
    expect((await run('place', '--dir', 'x', '-h')).stdout).toStartWith('Usage: cd-agent place')
    expect((await run('license', 'add', '--', '--help')).stdout).toBe('--help\n')
  })
})
