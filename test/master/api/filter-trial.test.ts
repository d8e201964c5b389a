import { afterAll, beforeAll, expect, test } from 'bun:test'

import { type SeededFleet, seedFleet } from '../../fakes/seeded-fleet.ts'
import { type TestAdmin, startTestAdmin } from '../../fakes/test-admin.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

const TRIAL = 'POST /servers/name:eu-origin-1/filter-trial'

let admin: TestAdmin
let fleet: SeededFleet

beforeAll(async () => {
  admin = await startTestAdmin()
  fleet = await seedFleet(admin)
}, 30_000)

afterAll(async () => {
  fleet.stop()
  await admin.stop()
  removeMasterFolders()
})

test('a filter is tried on a folder of a host; no pattern is needed for that', async () => {
  const answer = await admin.call('operator', TRIAL, { path: '/srv', filter: { exclude: ['~$'] } })
  expect([answer.status, await answer.json()]).toEqual([
    200,
    {
      complete: true,
      passes: expect.objectContaining({ files: 48_211, folders: 310, bytes: 5_368_709_120 }),
      leftOut: {
        files: 17,
        folders: 2,
        bytes: 81_920,
        sample: [{ path: 'cache/' }, { path: 'index.html.tmp' }, { path: 'notes~' }],
      },
    },
  ])
  const open = await admin.call('operator', TRIAL, { path: '/srv', filter: {} })
  expect(await open.json()).toMatchObject({ leftOut: { files: 0 } })
})

test.each<readonly [request: string, body: unknown, status: number, code: string, field?: string]>([
  [
    TRIAL,
    { path: '/srv', filter: { exclude: ['(?=x)'] } },
    400,
    'PATTERN_UNSAFE',
    'filter.exclude',
  ],
  [
    TRIAL,
    { path: '/srv', filter: { include: Array(100).fill('(x{30}){30}') } },
    400,
    'PATTERN_UNSAFE',
    'filter.include',
  ],
  [
    TRIAL,
    { path: '/srv', filter: { include: Array(101).fill('x') } },
    400,
    'INVALID_REQUEST',
    'filter.include',
  ],
  [TRIAL, { path: '/srv', filter: { size: 1 } }, 400, 'UNKNOWN_FIELD', 'filter.size'],
  [TRIAL, { path: '/srv' }, 400, 'INVALID_REQUEST', 'filter'],
  [TRIAL, { path: '/srv/../etc', filter: {} }, 400, 'PATH_INVALID'],
  ['POST /servers/name:none/filter-trial', { path: '/srv', filter: {} }, 404, 'NOT_FOUND'],
])('%s with %j is refused', async (...row) => {
  const [request, body, status, code, field] = row
  const startedMs = performance.now()
  const problem = (await (await admin.call('admin', request, body)).json()) as Record<
    string,
    unknown
  >
  expect([problem['status'], problem['code'], problem['field']]).toEqual([status, code, field])
  // Wall time on a busy machine; what is not bounded takes minutes.
  expect(performance.now() - startedMs).toBeLessThan(5000)
})

test('a host that is away says nothing of a filter', async () => {
  const body = { path: '/srv', filter: {} }
  const answer = await admin.call('admin', 'POST /servers/name:us-web-2/filter-trial', body)
  expect(((await answer.json()) as { code: string }).code).toBe('PEER_UNREACHABLE')
})
