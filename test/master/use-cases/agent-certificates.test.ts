import { afterAll, expect, test } from 'bun:test'

import { servers } from '../../../src/master/db/schema.ts'
import {
  certificateView,
  warnOfCertificates,
} from '../../../src/master/use-cases/agent-certificates.ts'
import { getServer } from '../../../src/master/use-cases/servers.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { Stage } from '../../fakes/stage.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

const NOW_MS = Date.parse('2026-11-22T10:00:00.000Z')
const DAY_MS = 86_400_000

afterAll(removeMasterFolders)

test.each([
  [90, null],
  [30, null],
  [29.9, 'CERTIFICATE_ENDING'],
  [0.001, 'CERTIFICATE_ENDING'],
  [0, 'CERTIFICATE_ENDED'],
  [-5, 'CERTIFICATE_ENDED'],
])('a certificate with %d days left gives %p', (daysLeft, code) => {
  const view = certificateView({ serial: '1', expiresAtMs: NOW_MS + daysLeft * DAY_MS }, NOW_MS)
  expect(view.reason?.code ?? null).toBe(code)
})

test('the log and the API name the servers whose certificate ends soon, and no others', async () => {
  const stage = await Stage.open()
  const { context } = stage.master
  const lines: string[] = []
  const log = createLogger({ level: 'warn', readable: false, write: (text) => lines.push(text) })
  await warnOfCertificates({ ...context, log })
  expect(lines).toEqual([])
  const nowMs = context.clock.nowMs() + 61 * DAY_MS
  await warnOfCertificates({ ...context, log, clock: { ...context.clock, nowMs: () => nowMs } })
  expect(lines.length).toBe(3)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', code: 'CERTIFICATE_ENDING' })
  const certificateExpiresAtMs = context.clock.nowMs() + DAY_MS
  await context.database.write((writer) => writer.update(servers).set({ certificateExpiresAtMs }))
  expect((await getServer(context, stage.id(1))).certificate.reason).toMatchObject({
    code: 'CERTIFICATE_ENDING',
    action: expect.stringContaining('Enrol the host again'),
  })
  await stage.master.stop()
})
