import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { mustRun } from '../../scripts/fleet/executables.ts'
import { Fleet } from '../../scripts/fleet/fleet.ts'

const MINUTE_MS = 60_000

describe('a master without a licence', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-licence-'))
  const fleet = new Fleet(directory)

  beforeAll(async () => {
    await fleet.initialize({ licensed: false })
    await fleet.startMaster()
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  test('is up, locked, and says why', async () => {
    const ready = await fetch(`${fleet.adminUrl}/readyz`)
    expect(ready.status).toBe(200)
    expect(((await ready.json()) as { locked: boolean }).locked).toBe(true)
    const license = await fleet.api.get<{ state: string; code: string }>('/license')
    expect(license).toMatchObject({ state: 'missing', code: 'LICENSE_MISSING' })
  })

  test('refuses everything that needs one', async () => {
    const token = await mustRun('cd-master', [
      'token',
      '--dir',
      join(directory, 'master'),
      '--user',
      'admin',
    ])
    const answer = await fetch(`${fleet.adminUrl}/api/v1/regions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'home' }),
    })
    expect(answer.status).toBe(403)
    expect(((await answer.json()) as { code: string }).code).toBe('LICENSE_MISSING')
  })

  test('goes on without a restart once both files are added', async () => {
    await fleet.license()
    const license = await fleet.api.get<{ state: string }>('/license')
    expect(license.state).toBe('valid')
    expect(await fleet.addGroup('first')).toBeString()
  })
})
