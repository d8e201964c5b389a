import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { mustRun } from '../../scripts/fleet/executables.ts'
import { Fleet, type FleetAgent } from '../../scripts/fleet/fleet.ts'
import { makeRandomTree } from '../../scripts/fleet/random-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { HiddenHost, describeHidden } from './hidden-host.ts'
import { RelayScene, syncServerPid } from './relay-scene.ts'

// Hosts whose agents listen on the loopback of a network of their own: nobody can connect to them.

const MINUTE_MS = 60_000
setDefaultTimeout(3 * MINUTE_MS)

describeHidden('servers that can only dial out', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-dial-out-'))
  const hosts: HiddenHost[] = []
  let fleet: Fleet
  let source: FleetAgent
  let open: FleetAgent
  let hidden: FleetAgent
  let other: FleetAgent

  beforeAll(async () => {
    for (const number of [0, 1]) hosts.push(await HiddenHost.start(number))
    const host = hosts[0]?.gateway ?? ''
    fleet = new Fleet(directory, host)
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    const hide = async (name: string, { wrapper }: HiddenHost) =>
      await fleet.addAgent(name, group, { host: '127.0.0.1', wrapper, options: ['--dial-out'] })
    source = await fleet.addAgent('source', group, { host, wrapper: [] })
    open = await fleet.addAgent('open', group, { host, wrapper: [] })
    const [first, second] = hosts
    if (first === undefined || second === undefined) throw new Error('no hosts')
    hidden = await hide('hidden', first)
    other = await hide('other', second)
  }, 2 * MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    for (const host of hosts) host.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  const viewOf = (agent: FleetAgent) =>
    fleet.api.get<Record<string, unknown>>(`/servers/${agent.serverId}`)

  test('are shown as such, and nobody can connect to them', async () => {
    expect(await viewOf(hidden)).toMatchObject({ address: null, addresses: [], dialsOut: true })
    expect(await viewOf(open)).toMatchObject({ addresses: [{}], dialsOut: false })
    const knock = Promise.withResolvers<string>()
    const socket = connect(hidden.dataPort, '127.0.0.1')
    socket.on('connect', () => knock.resolve('connected'))
    socket.on('error', () => knock.resolve('refused'))
    expect(await knock.promise).toBe('refused')
    socket.destroy()
  })

  test('get everything, directly, whatever is killed meanwhile', async () => {
    const scene = await RelayScene.open(
      fleet,
      { name: 'kill', source, targets: [open, hidden], rateMibPerS: 8 },
      (opened) => {
        makeRandomTree(opened.folder(source), 500, { seed: 3 })
        opened.write('large', 24)
      },
    )
    await scene.staged(hidden)
    await hidden.process.stop('SIGKILL')
    await fleet.startAgent(hidden)
    await scene.identical([open, hidden])
    const victims = [
      () => process.kill(syncServerPid(source), 'SIGKILL'),
      () => process.kill(syncServerPid(hidden), 'SIGKILL'),
      async () => {
        await source.process.stop('SIGKILL')
        await fleet.startAgent(source)
      },
    ]
    for (const [round, kill] of victims.entries()) {
      makeRandomTree(join(scene.folder(source), `round-${round}`), 200, { seed: round })
      scene.write('large', 8)
      await scene.staged(hidden)
      await kill()
      scene.writeText('last', `round ${round}`)
      await scene.identical([open, hidden], 2 * MINUTE_MS)
    }
    await scene.converged()
    const { hops } = await fleet.api.get<{ hops: { to: string; reason: string }[] }>(
      `/policies/${scene.policyId}/route?bytes=${1 << 30}`,
    )
    const reason = hops.find(({ to }) => to === hidden.serverId)?.reason
    expect(reason).toStartWith('direct from the source: it can only dial out')
    const status = await mustRun('cd-agent', ['status', '--dir', hidden.directory])
    expect(status).toContain('dials out only, reached through 2 peers')
  })

  test('reach each other through one that both can dial', async () => {
    const targets = [open, other]
    const scene = await RelayScene.open(fleet, { name: 'hub', source: hidden, targets }, (opened) =>
      makeRandomTree(opened.folder(hidden), 100),
    )
    await scene.identical(targets)
    scene.writeText('later', 'a change')
    await scene.identical(targets)
    await scene.converged()
    const viaOf = async () => {
      const jobs = await scene.jobs()
      const ways = await Promise.all(jobs.map((job) => scene.ways(job)))
      return new Set(ways.flatMap((way) => way[other.name] ?? []))
    }
    expect(await viaOf()).toEqual(new Set([open.name]))
  })

  test('do not reach each other where there is none, and the job says so', async () => {
    const order = { name: 'none', source: hidden, targets: [other] }
    const scene = await RelayScene.open(fleet, order, (opened) => {
      mkdirSync(opened.folder(hidden), { recursive: true })
      makeRandomTree(opened.folder(hidden), 10)
    })
    const [job] = await waitFor(
      'a failed job',
      async () => {
        const jobs = await scene.jobs()
        return jobs.some(({ state }) => state === 'failed') ? jobs : null
      },
      MINUTE_MS,
    )
    const view = await fleet.api.get<{ targets: { error: unknown }[] }>(`/jobs/${job?.id ?? ''}`)
    expect(view.targets).toMatchObject([
      { error: { code: 'PEER_UNREACHABLE', message: expect.stringContaining('only dial out') } },
    ])
  })
})
