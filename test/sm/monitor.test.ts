import { afterEach, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'

import type { HostFigures } from '../../src/core/health/host-figures.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { readHost } from '../../src/platform/host-reading.ts'
import { createLogger } from '../../src/platform/log.ts'
import { Monitor } from '../../src/sm/monitor.ts'
import { waitFor } from '../fakes/wait-for.ts'

let monitor: Monitor
afterEach(() => monitor.stop())

const log = createLogger({ level: 'error', readable: false, write: () => undefined })

function start(read: typeof readHost = readHost) {
  const told: HostFigures[] = []
  monitor = new Monitor({
    clock: systemClock,
    log,
    everyMs: 5,
    read: (roots) => read(roots, Date.now()),
    onFigures: (_atMs, figures) => told.push(figures),
  })
  return told
}

test('a host is measured while somebody asks for it', async () => {
  const told = start()
  await Bun.sleep(30)
  expect(told).toEqual([])
  monitor.configure([tmpdir()])
  await waitFor('figures', () => told.length > 2)
  const [figures] = told
  expect(figures?.cpuPercent).toBeWithin(0, 100.1)
  expect(figures?.memoryPercent).toBeWithin(0.1, 100)
  expect(figures?.sessions).toBeGreaterThanOrEqual(0)
  expect(figures?.diskFreeBytes).toBeGreaterThan(0)
  monitor.configure(null)
  await Bun.sleep(20)
  const count = told.length
  await Bun.sleep(30)
  expect(told).toHaveLength(count)
})

test('connections are counted', async () => {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const sessions = () => readHost([], 0).sessions ?? 0
  const before = sessions()
  const clients = await Promise.all(
    Array.from({ length: 20 }, () =>
      Bun.connect({ hostname: '127.0.0.1', port: server.port, socket: { data() {} } }),
    ),
  )
  // Both ends of each are here.
  expect(sessions() - before).toBeGreaterThan(20)
  for (const client of clients) client.end()
  server.stop(true)
  start()
})

test('a reading that fails is no end', async () => {
  let count = 0
  const told = start((roots, atMs) => {
    if (count++ === 1) throw new Error('the disk is gone')
    return readHost(roots, atMs)
  })
  monitor.configure([])
  await waitFor('figures', () => told.length > 0)
  expect(told[0]?.diskFreeBytes).toBeNull()
})
