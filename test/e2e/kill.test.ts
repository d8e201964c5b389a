import { afterAll, beforeAll, expect, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { makeRandomTree, seededRandom } from '../../scripts/fleet/random-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { describeWith, rsyncDifferences } from './rsync.ts'

const MINUTE_MS = 60_000
const ROUNDS = 3

/** The Sync Server is the child of its agent. */
function syncServerPid(agentPid: number): number | null {
  const children = readFileSync(`/proc/${agentPid}/task/${agentPid}/children`, 'utf8').trim()
  return children === '' ? null : Number(children.split(' ')[0])
}

describeWith(['rsync'], 'kill -9 at any time', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-kill-'))
  const fleet = new Fleet(directory)
  const random = seededRandom(20)

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    await fleet.addAgent('source', group)
    await fleet.addAgent('target', group)
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  const agent = (index: number) => {
    const found = fleet.agents[index]
    if (found === undefined) throw new Error(`no agent ${index}`)
    return found
  }
  const VICTIMS: Readonly<Record<string, () => Promise<void>>> = {
    'the source agent': async () => {
      await agent(0).process.stop('SIGKILL')
      agent(0).process.start()
    },
    'the target agent': async () => {
      await agent(1).process.stop('SIGKILL')
      agent(1).process.start()
    },
    'the sync server': async () => {
      const pid = await waitFor('a sync server', () => syncServerPid(agent(1).process.pid))
      process.kill(pid, 'SIGKILL')
    },
    'the master': async () => {
      await fleet.master.stop('SIGKILL')
      await fleet.startMaster()
    },
  }

  for (const [victim, killAndRestart] of Object.entries(VICTIMS)) {
    test(
      `of ${victim}: everything arrives and nothing is left`,
      async () => {
        const folder = victim.replaceAll(' ', '-')
        const [source = '', target = ''] = fleet.agents.map((each) => folderOf(fleet, each, folder))
        for (const path of [source, target]) mkdirSync(path, { recursive: true })
        makeRandomTree(source, 2000, { seed: 7 })
        await distribute(fleet, { name: folder, source: agent(0), targets: [agent(1)], folder })
        for (let round = 0; round < ROUNDS; round++) {
          await Bun.sleep(random() * 400)
          await killAndRestart()
          makeRandomTree(join(source, `round-${round}`), 300, { seed: round })
          renameSync(join(source, round === 0 ? 'd0' : 'd1'), join(source, `d1-${round}`))
          mkdirSync(join(source, 'd1'), { recursive: true })
          rmSync(join(source, `round-${round}/d0/d0`), { recursive: true, force: true })
          writeFileSync(join(source, 'large'), new Uint8Array(8_000_000).fill(round + 65))
        }
        await waitFor(
          `${folder} to arrive`,
          () => rsyncDifferences(source, target).length === 0,
          MINUTE_MS,
        ).catch(() => expect(rsyncDifferences(source, target)).toEqual([]))
        expect(readdirSync(target)).not.toContain('.cd-staging')
        expect(existsSync(join(target, '.cd-staging'))).toBe(false)
      },
      3 * MINUTE_MS,
    )
  }
})
