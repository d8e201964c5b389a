import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { eventually } from '../fakes/eventually.ts'
import { MasterProgram, freePort, runProgramFile } from '../fakes/master-program.ts'
import { type AgentIdentity, ScriptedAgent, mustEnrol } from '../fakes/scripted-agent.ts'

interface Made {
  readonly id: string
}
interface JobSeen {
  readonly state: string
  readonly targets: readonly { readonly state: string }[]
}

let program: MasterProgram
let identities: AgentIdentity[]

beforeAll(async () => {
  program = await MasterProgram.make()
  await program.start()
  const region = (await program.api('POST', '/regions', { name: 'home' })) as Made
  const group = { name: 'a', regionId: region.id }
  const { id: groupId } = (await program.api('POST', '/groups', group)) as Made
  identities = []
  for (const name of ['source', 'target']) {
    const order = { groupId, roles: ['cms', 'cas'], expiresInS: 600, maxUses: 1 }
    const made = (await program.api('POST', '/enrollment-tokens', order)) as { token: string }
    identities.push(await mustEnrol(program.gatewayUrl, made.token, name))
  }
  await program.api('POST', '/policies', {
    name: 'web',
    enabled: true,
    sources: [{ serverId: 'name:source', path: '/source' }],
    targets: [{ serverId: 'name:target', path: '/target' }],
  })
}, 60_000)

afterAll(async () => {
  await program.end('SIGKILL')
  program.remove()
})

async function connect(index: number): Promise<ScriptedAgent> {
  const identity = identities[index]
  if (identity === undefined) throw new Error('no such agent')
  return await ScriptedAgent.connect(program.gatewayUrl, identity)
}

describe('a master that is killed', () => {
  test('in mid-job takes the job up again and loses no change that it said was recorded', async () => {
    let source = await connect(0)
    let target = await connect(1)
    source.reportChanges(0, 1000)
    source.reportSource(1000)
    target.reportTarget(null)
    const job = await source.job()
    expect(job.to).toBe(1000)
    source.reportChanges(1000, 2000)
    await eventually('the second page', () => source.of('changesRecorded').at(-1)?.upTo === 2000)
    await program.end('SIGKILL')
    await eventually('the connections to end', () => source.closed && target.closed)
    await program.start()
    source = await connect(0)
    target = await connect(1)
    expect(source.config.sources[0]?.known).toEqual({ epoch: 'epoch-1', seq: 2000 })
    const again = await source.job()
    expect([again.jobId, again.to]).toEqual([job.jobId, 1000])
    source.reportSource(2000)
    target.reportTarget(1000)
    source.reportJob(again, 'done')
    const next = await source.job(2)
    expect(next.to).toBe(2000)
    const ended = (await program.api('GET', `/jobs/${job.jobId}?waitS=5`)) as JobSeen
    expect(ended).toMatchObject({ state: 'done', targets: [{ state: 'done' }] })
    target.reportTarget(2000)
    source.reportJob(next, 'done')
    await eventually('convergence', async () => {
      const seen = (await program.api('GET', '/policies/name:web/convergence')) as {
        converged: boolean
      }
      return seen.converged
    })
  }, 30_000)

  test('at any moment of a stream of changes goes on without a hole', async () => {
    let seq = 2000
    for (let round = 0; round < 3; round++) {
      const source = await connect(0)
      seq = source.config.sources[0]?.known?.seq ?? -1
      source.reportSource(seq)
      for (let page = 0; page < 40; page++)
        source.reportChanges(seq + page * 50, seq + page * 50 + 50)
      await eventually('some to be recorded', () => source.of('changesRecorded').length > round)
      await program.end('SIGKILL')
      const told = source.of('changesRecorded').at(-1)?.upTo ?? 0
      await program.start()
      const back = await connect(0)
      const known = back.config.sources[0]?.known?.seq ?? 0
      expect(known).toBeGreaterThanOrEqual(told)
      expect((known - 2000) % 50).toBe(0)
      back.close()
    }
  }, 60_000)
})

describe('the program', () => {
  test('stops cleanly at SIGTERM, with agents connected and a stream of events open', async () => {
    await connect(0)
    const { out: token } = await runProgramFile('master', [
      'token',
      '--dir',
      program.dataFolder,
      '--user',
      'root',
    ])
    const stream = await fetch(`http://127.0.0.1:${program.adminPort}/api/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(stream.status).toBe(200)
    const startedMs = performance.now()
    expect(await program.end('SIGTERM')).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(5000)
    await program.start()
  }, 30_000)

  const refusals: readonly (readonly [
    string,
    () => readonly string[],
    { status: number; code: string },
  ])[] = [
    [
      'a folder that it runs on already',
      () => program.serveWords,
      { status: 1, code: 'DATA_DIR_LOCKED' },
    ],
    [
      'no data folder',
      () => ['serve', '--dir', '/nowhere/at/all'],
      { status: 1, code: 'DATA_DIR_MISSING' },
    ],
    [
      'a folder that is in use',
      () => [
        'init',
        '--dir',
        program.dataFolder,
        '--admin',
        'x',
        '--password-file',
        `${program.folder}/password`,
        '--license-key',
        `${program.folder}/key.jwk`,
      ],
      { status: 1, code: 'DATA_DIR_EXISTS' },
    ],
    ['a wrong flag', () => ['serve', '--dri', 'x'], { status: 2, code: 'USAGE' }],
    [
      'a certificate without its key',
      () => ['serve', '--dir', program.dataFolder, '--tls-cert', 'x'],
      { status: 2, code: 'USAGE' },
    ],
    [
      'the token of nobody',
      () => ['token', '--dir', program.dataFolder, '--user', 'nobody'],
      { status: 1, code: 'NOT_FOUND' },
    ],
    [
      'a status of a master that is away',
      () => ['status', '--url', `http://127.0.0.1:${freePort()}`, '--token', 'x'],
      { status: 1, code: 'MASTER_UNREACHABLE' },
    ],
    [
      'a status with a token that is none',
      () => ['status', '--url', `http://127.0.0.1:${program.adminPort}`, '--token', 'x'],
      { status: 4, code: 'UNAUTHENTICATED' },
    ],
    ['what comes later', () => ['backup'], { status: 1, code: 'NOT_IMPLEMENTED' }],
  ]
  test.each(refusals)('refuses %s in one line', async (_, words, { status, code }) => {
    const ended = await runProgramFile('master', words())
    expect(ended.err.split('\n').length).toBe(1)
    expect(ended.err).toStartWith('cd-master: ')
    expect(ended.err).toEndWith(`[${code}]`)
    expect(ended.status).toBe(status)
  })

  test('refuses ports that are taken and addresses that are open without TLS', async () => {
    await program.end('SIGTERM')
    const taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const serve = async (admin: string, gateway: string) => {
      const words = ['serve', '--dir', program.dataFolder, '--admin', admin, '--gateway', gateway]
      const { err, status } = await runProgramFile('master', words)
      return [
        err
          .split('\n')
          .at(-1)
          ?.match(/\[[A-Z_]+\]$/)?.[0],
        status,
      ]
    }
    const open = '127.0.0.1:0'
    expect(await serve(`127.0.0.1:${taken.port}`, open)).toEqual(['[PORT_IN_USE]', 1])
    expect(await serve(open, `127.0.0.1:${taken.port}`)).toEqual(['[PORT_IN_USE]', 1])
    expect(await serve('0.0.0.0:0', open)).toEqual(['[LISTEN_REFUSED]', 1])
    taken.stop(true)
    await program.start()
  }, 30_000)

  test('says how far each policy has come', async () => {
    const { out: token } = await runProgramFile('master', [
      'token',
      '--dir',
      program.dataFolder,
      '--user',
      'root',
    ])
    const words = ['status', '--url', `http://127.0.0.1:${program.adminPort}`, '--token', token]
    const ended = await runProgramFile('master', words)
    expect(ended.out).toMatch(/^web: 0\/1 identical, oldest gap target \d+ s PEER_UNREACHABLE$/)
    expect(ended.status).toBe(1)
  })
})
