import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { type Watched, changeUnseen, differencesAfter } from '../../scripts/overflow/blind.ts'
import { makeFolders, storm, writeInTurns } from '../../scripts/overflow/storm.ts'
import { describeWith } from './rsync.ts'

const MINUTE_MS = 60_000
/** Each makes nearly two events, and the kernel's queue holds 16,384 unless somebody set it otherwise. */
const CHANGES = 12_000

describeWith(['rsync'], 'a watcher whose queue runs over', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-overflow-'))
  const fleet = new Fleet(directory)

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    await fleet.addAgent('target', group)
    for (const watcher of ['kernel', 'parcel']) {
      const options = ['--watcher', watcher]
      await fleet.addAgent(watcher, group, { host: '127.0.0.1', wrapper: [], options })
    }
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  test.each(['kernel', 'parcel'])(
    '%s: what it did not tell arrives, and the gap is told and closed',
    async (watcher) => {
      const agent = fleet.agents.find(({ name }) => name === watcher)
      const [to] = fleet.agents
      if (agent === undefined || to === undefined) throw new Error('the fleet is not complete')
      const [source, target] = [folderOf(fleet, agent, watcher), folderOf(fleet, to, watcher)]
      for (const folder of [source, target]) mkdirSync(folder, { recursive: true })
      makeFolders(source)
      const roots = { source: agent, targets: [to], folder: watcher }
      const policyId = await distribute(fleet, { name: watcher, ...roots })
      await fleet.converged(policyId)
      const watched: Watched = { agent, policyId, source, target }

      const acts = [
        () => storm(source, 1, CHANGES),
        () => writeInTurns(source, 'turns', 3 * CHANGES),
      ]
      for (const act of acts) {
        expect(await changeUnseen(fleet, watched, act)).not.toBe('')
        expect(await differencesAfter(fleet, watched, MINUTE_MS)).toEqual([])
      }
      // Folders whose making nobody told are watched all the same.
      writeFileSync(join(source, 'd1/turns-late/later/after'), 'seen')
      const after = join(target, 'd1/turns-late/later/after')
      await waitFor('a file in such a folder to arrive', () => existsSync(after))
    },
    3 * MINUTE_MS,
  )
})
