import { afterEach, expect, test } from 'bun:test'

import { type SyncServerConfiguration, SyncServerSupervisor } from '../../src/cas/supervisor.ts'
import { AppError } from '../../src/core/base/errors.ts'
import type { AgentMessageOf } from '../../src/core/wire/control.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createLogger } from '../../src/platform/log.ts'
import { spawnChild } from '../../src/spawn.ts'
import { waitFor } from '../fakes/wait-for.ts'

const CONFIGURATION: SyncServerConfiguration = {
  type: 'configure',
  peers: [],
  dialsOut: false,
  serverId: 's',
  listen: { host: '127.0.0.1', port: 0 },
  identity: { key: '', certificate: '', authority: '' },
  ticketKey: {},
  leaseUntil: null,
  targets: [],
}
const log = createLogger({ level: 'error', write: () => undefined })
const running: SyncServerSupervisor[] = []
afterEach(async () => void (await Promise.all(running.splice(0).map((each) => each.stop()))))

function supervise(
  behaviour: 'honest' | 'portTaken' | 'nonsense' | 'stubborn' | 'reaching' | 'passing',
) {
  const ways: string[] = []
  const messages: AgentMessageOf<'targetReport' | 'jobReport' | 'holdResolved'>[] = []
  const program = [process.execPath, `${import.meta.dir}/../fakes/sync-server-child.ts`, behaviour]
  const supervisor = new SyncServerSupervisor(
    {
      spawn: (onLine) => spawnChild(program, onLine),
      onReport: (message) => void messages.push(message),
      onWays: (now) => void ways.push([...now].join()),
      clock: systemClock,
      log,
      random: () => 0,
    },
    CONFIGURATION,
  )
  running.push(supervisor)
  return { supervisor, messages, ways }
}

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

test('starts it, configures it, and passes its reports on', async () => {
  const { supervisor, messages } = supervise('honest')
  expect(await supervisor.listening).toBe(4711)
  supervisor.configure({ ...CONFIGURATION, leaseUntil: '2030-01-01T00:00:00.000Z' })
  await waitFor('both reports', () => messages.length === 2)
  expect(messages[1]).toMatchObject({ error: { message: 'lease 2030-01-01T00:00:00.000Z' } })
})

test('starts a killed one again, on the same port, with the newest configuration', async () => {
  const { supervisor, messages } = supervise('honest')
  await supervisor.listening
  supervisor.configure({ ...CONFIGURATION, leaseUntil: '2030-01-01T00:00:00.000Z' })
  await waitFor('both reports', () => messages.length === 2)
  const { pid } = supervisor.status
  process.kill(pid ?? 0, 'SIGKILL')
  await waitFor('the report of the next one', () => messages.length === 3)
  expect(messages[2]).toEqual(messages[1])
  expect(supervisor.status).toMatchObject({ port: 4711, restarts: 1 })
  expect(supervisor.status.pid).not.toBe(pid)
})

test('what one that is killed was passing on is told as lost', async () => {
  const { supervisor, messages } = supervise('passing')
  const jobs = () => messages.flatMap((one) => (one.type === 'jobReport' ? [one] : []))
  await waitFor('its reports', () => jobs().length === 3)
  process.kill(supervisor.status.pid ?? 0, 'SIGKILL')
  const lost = () => jobs().filter(({ state }) => state === 'failed')
  await waitFor('its loss', () => lost().length > 0)
  expect(lost()).toMatchObject([{ serverId: 'running', error: { code: 'RELAY_LOST' } }])
})

test('a port that is taken at the first start is told', async () => {
  const { supervisor } = supervise('portTaken')
  const thrown = await supervisor.listening.then(
    () => null,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(AppError)
  expect(thrown).toMatchObject({ code: 'PORT_IN_USE' })
})

test('one that talks nonsense is killed and started again', async () => {
  const { supervisor } = supervise('nonsense')
  await waitFor('two restarts', () => supervisor.status.restarts >= 2)
})

test('one that does not end when told is ended', async () => {
  const { supervisor } = supervise('stubborn')
  await supervisor.listening
  const pid = supervisor.status.pid ?? 0
  const startedAt = performance.now()
  await supervisor.stop()
  expect(isGone(pid)).toBe(true)
  expect(performance.now() - startedAt).toBeLessThan(4900)
})

test('it ends when its input does, as it would if the agent were killed', async () => {
  const { supervisor } = supervise('honest')
  await supervisor.listening
  const pid = supervisor.status.pid ?? 0
  await supervisor.stop()
  expect(isGone(pid)).toBe(true)
  expect(supervisor.status.restarts).toBe(0)
})

test('how others are reached is told on, and holds no longer than the process', async () => {
  const { supervisor, ways } = supervise('reaching')
  expect(supervisor.status.registeredCount).toBeNull()
  supervisor.configure({ ...CONFIGURATION, dialsOut: true })
  await waitFor('the ways', () => ways.length > 0)
  expect(ways[0]).toBe('far,4712')
  expect(supervisor.status.registeredCount).toBe(2)
  process.kill(supervisor.status.pid ?? 0, 'SIGKILL')
  await waitFor('them to end', () => ways.includes(''))
  await waitFor('them to come back', () => ways.at(-1) === 'far,4712')
})
