import { expect, test } from 'bun:test'
import { join } from 'node:path'

import { AppError } from '../../src/core/base/errors.ts'
import { type LoggerOptions, createLogger } from '../../src/platform/log.ts'

const written = (options: Partial<LoggerOptions> = {}) => {
  const lines: string[] = []
  const log = createLogger({
    level: 'info',
    nowMs: () => 1_700_000_000_123,
    write: (text) => lines.push(text),
    readable: false,
    ...options,
  })
  return { log, lines }
}

test('a line is JSON with time, level, message and the fields of all parents', () => {
  const { log, lines } = written({ fields: { program: 'cd-agent' } })
  log.child({ policyId: 'p' }).warn('target is slow', { lagMs: 71n })
  expect(lines).toEqual([
    '{"time":"2023-11-14T22:13:20.123Z","level":"warn","message":"target is slow","program":"cd-agent","policyId":"p","lagMs":"71"}\n',
  ])
})

test('levels below the chosen one are not written', () => {
  const { log, lines } = written({ level: 'warn' })
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(['c', 'd'])
})

test('errors keep what they say; a field cannot hide what every line has', () => {
  const { log, lines } = written()
  log.error('failed', {
    level: 3,
    error: new AppError('NO_SPACE', 'cannot write "x": no space left', { data: { path: 'x' } }),
    cause: new TypeError('odd'),
  })
  const line = JSON.parse(lines[0] ?? '')
  expect(line.level).toBe('error')
  expect(line.error).toEqual({
    code: 'NO_SPACE',
    message: 'cannot write "x": no space left',
    path: 'x',
  })
  expect(line.cause.message).toBe('odd')
})

test('on a terminal a line is text for people', () => {
  const { log, lines } = written({ readable: true })
  log.info('listening', { port: 7400 })
  expect(Bun.stripANSI(lines[0] ?? '')).toBe('22:13:20.123 info  listening port=7400\n')
})

test('where standard error takes nothing, the program goes on', async () => {
  const script = join(import.meta.dir, 'log-flooder-program.ts')
  const child = Bun.spawn([
    'sh',
    '-c',
    'exec "$0" "$1" 2>"$2"',
    process.execPath,
    script,
    '/dev/full',
  ])
  expect(await child.exited).toBe(7)
})
