import { expect, test } from 'bun:test'

import { REPOSITORY } from '../../scripts/fleet/executables.ts'
import { describeNetworks } from './networks.ts'

const MINUTE_MS = 60_000

describeNetworks('three regions of two groups, on hosts and links of their own', () => {
  test(
    'content crosses to each region once and arrives identical, whoever is killed or cut off',
    async () => {
      const program = [process.execPath, 'scripts/regions.ts', '--brief']
      const child = Bun.spawn(program, { cwd: REPOSITORY, stdout: 'pipe', stderr: 'pipe' })
      const said = await Promise.all([child.stdout, child.stderr].map((from) => from.text()))
      expect({ said: said.join(''), exitCode: await child.exited }).toMatchObject({ exitCode: 0 })
    },
    3 * MINUTE_MS,
  )
})
