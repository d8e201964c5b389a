import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { mustRun, runProgram } from '../../scripts/fleet/executables.ts'
import { Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { storedSiteFile, storeSiteFile, variants } from './stored-licence.ts'

const MINUTE_MS = 60_000
/** Far longer than a change takes. */
const QUIET_MS = 3000

/** A folder that agents refuse unless it is named to them, so this also proves that the fleet names it. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

describe('a running installation whose licence is exchanged for one that does not hold', () => {
  const directory = mkdtempSync(join(base, 'cd-locked-'))
  const fleet = new Fleet(directory)
  const folders: string[] = []
  let good = ''
  let number = 0

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    const source = await fleet.addAgent('source', group)
    const target = await fleet.addAgent('target', group)
    folders.push(...fleet.agents.map((agent) => folderOf(fleet, agent, 'site')))
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    await distribute(fleet, { name: 'site', source, targets: [target], folder: 'site' })
    await arrives('first')
    good = await storedSiteFile(fleet)
  }, MINUTE_MS)

  afterEach(async () => {
    if (!fleet.master.running) await fleet.startMaster()
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  const change = (name: string) => writeFileSync(join(folders[0] ?? '', name), name)
  const isThere = (name: string) => existsSync(join(folders[1] ?? '', name))

  async function arrives(name: string): Promise<void> {
    change(name)
    await waitFor(`${name} to arrive`, () => isThere(name))
  }

  /** Agents hear of the licence when they are configured anew, and stop acting. */
  async function agentsAreLocked(): Promise<void> {
    for (const agent of fleet.agents) {
      await waitFor(`${agent.name} to be connected, without a lease`, async () => {
        const { stdout } = await runProgram('cd-agent', ['status', '--dir', agent.directory])
        return stdout.includes('connected to ') && stdout.includes('lease: none')
      })
    }
  }

  const CASES = [
    ['expired', 'expired', 'LICENSE_EXPIRED'],
    ['tampered', 'invalid', 'LICENSE_INVALID'],
    ['foreign', 'invalid', 'LICENSE_FOREIGN'],
    ['ofAnotherSite', 'invalid', 'LICENSE_FOREIGN'],
  ] as const

  test.each(CASES)(
    '%s: nothing moves, it says why, and the good one unlocks it without a restart',
    async (variant, state, code) => {
      number++
      await fleet.master.stop()
      await storeSiteFile(fleet, await variants[variant](fleet, good))
      await fleet.startMaster()
      const ready = (await (await fetch(`${fleet.adminUrl}/readyz`)).json()) as object
      expect(ready).toMatchObject({ locked: true })
      expect(await fleet.api.get<object>('/license')).toMatchObject({ state, code })
      await agentsAreLocked()

      change(`kept-${number}`)
      await Bun.sleep(QUIET_MS)
      expect(isThere(`kept-${number}`)).toBe(false)

      const show = await runProgram('cd-master', ['license', 'show', '--dir', join(directory, 'master')]) // prettier-ignore
      expect(show).toMatchObject({ exitCode: 3 })
      expect(show.stdout).toContain(`[${code}]`)
      const status = await runProgram('cd-master', ['status', '--url', fleet.adminUrl, '--token', fleet.api.token]) // prettier-ignore
      expect(status).toMatchObject({ exitCode: 3 })
      expect(status.stderr).toContain(`[${code}]`)

      writeFileSync(join(directory, 'good.jwt'), good)
      await mustRun('cd-master', ['license', 'add', '--dir', join(directory, 'master'), join(directory, 'good.jwt')]) // prettier-ignore
      await waitFor(`kept-${number} to arrive`, () => isThere(`kept-${number}`))
      expect(await fleet.api.get<object>('/license')).toMatchObject({ state: 'valid', code: null })
      await arrives(`after-${number}`)
    },
    MINUTE_MS,
  )
})
