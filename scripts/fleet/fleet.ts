import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { ApiClient } from './api-client.ts'
import { mustRun } from './executables.ts'
import { ServerProcess } from './server-process.ts'
import { freePort, waitFor } from './wait.ts'

export interface FleetAgent {
  readonly name: string
  readonly serverId: string
  readonly directory: string
  readonly dataPort: number
  readonly process: ServerProcess
}

/** Where an agent runs. */
export interface AgentPlace {
  /** The address by which others reach it. */
  readonly host: string
  /** What its program is started by. */
  readonly wrapper: readonly string[]
  /** Gives, for the port at which it listens, the one on this machine by which others are to reach it. */
  readonly throughPort?: (port: number) => number
  /** Further options of `cd-agent run`, for the port at which it listens. */
  readonly options?: readonly string[] | ((port: number) => readonly string[])
}

export interface Convergence {
  readonly converged: boolean
  readonly headSeq: number
  readonly sources: readonly {
    serverId: string
    completeAt: string | null
    gaps: readonly { path: string; reason: string }[]
  }[]
  readonly targets: readonly {
    serverId: string
    state: string
    appliedSeq: number
    reason: unknown
  }[]
}

interface Identified {
  readonly id: string
}

const ADMIN = 'admin'

/** A whole installation on this machine, made of the executables alone: authority, master, agents. */
export class Fleet {
  readonly directory: string
  readonly adminUrl: string
  readonly password = 'demo-password-1'
  readonly master: ServerProcess
  readonly agents: FleetAgent[] = []
  readonly #gatewayHost: string
  readonly #gatewayPort: number
  #api: ApiClient | null = null
  readonly #regionIds = new Map<string, string>()

  /** `gatewayHost` is where agents reach the master. */
  constructor(directory: string, gatewayHost = '127.0.0.1') {
    this.directory = directory
    this.#gatewayHost = gatewayHost
    const adminPort = freePort()
    this.#gatewayPort = freePort()
    this.adminUrl = `http://127.0.0.1:${adminPort}`
    this.master = new ServerProcess(
      'cd-master',
      [
        'serve',
        '--dir',
        join(directory, 'master'),
        '--admin',
        `127.0.0.1:${adminPort}`,
        '--gateway',
        `${gatewayHost}:${this.#gatewayPort}`,
      ],
      join(directory, 'master.log'),
    )
  }

  get api(): ApiClient {
    if (this.#api === null) throw new Error('the fleet was not started')
    return this.#api
  }

  get gatewayUrl(): string {
    return `https://${this.#gatewayHost}:${this.#gatewayPort}`
  }

  /** Makes authority and master; with `licensed: false` both licence files are left out. */
  async initialize(options: { licensed: boolean } = { licensed: true }): Promise<void> {
    mkdirSync(this.directory, { recursive: true })
    const path = (name: string) => join(this.directory, name)
    await mustRun('cd-license', ['init', '--dir', path('license')])
    writeFileSync(
      path('license-key.json'),
      await mustRun('cd-license', ['public-key', '--dir', path('license')]),
    )
    writeFileSync(path('password'), this.password, { mode: 0o600 })
    await mustRun('cd-master', [
      'init',
      '--dir',
      path('master'),
      '--admin',
      ADMIN,
      '--password-file',
      path('password'),
      '--license-key',
      path('license-key.json'),
    ])
    if (options.licensed) await this.license()
  }

  /** Registers the site, issues both licence files and hands them to the master. */
  async license(): Promise<void> {
    const path = (name: string) => join(this.directory, name)
    const authority = ['--dir', path('license')]
    const limits = [
      '--regions',
      '4',
      '--groups',
      '16',
      '--cas',
      '64',
      '--cms',
      '64',
      '--days',
      '30',
    ]
    const registered = await mustRun('cd-license', [
      'register',
      ...authority,
      '--company',
      'Demo Company',
      '--site',
      'Demo Site',
      ...limits,
      '--json',
    ])
    const site = (JSON.parse(registered) as Identified).id
    await mustRun('cd-master', [
      'install-request',
      '--dir',
      path('master'),
      '--out',
      path('request.jwt'),
    ])
    await mustRun('cd-license', [
      'issue-site',
      ...authority,
      '--site',
      site,
      '--out',
      path('site.jwt'),
    ])
    await mustRun('cd-license', [
      'issue-install',
      ...authority,
      '--site',
      site,
      '--request',
      path('request.jwt'),
      '--out',
      path('install.jwt'),
    ])
    await mustRun('cd-master', [
      'license',
      'add',
      '--dir',
      path('master'),
      path('site.jwt'),
      path('install.jwt'),
    ])
  }

  async startMaster(): Promise<void> {
    this.master.start()
    await waitFor('the master to be ready', async () => (await fetch(`${this.adminUrl}/readyz`)).ok)
    if (this.#api === null) {
      const token = await mustRun('cd-master', [
        'token',
        '--dir',
        join(this.directory, 'master'),
        '--user',
        ADMIN,
      ])
      this.#api = new ApiClient(this.adminUrl, token)
    }
  }

  /** A new group in a region, which is made where it is not there yet; gives the group's id. */
  async addGroup(name: string, region = 'home'): Promise<string> {
    const known = this.#regionIds.get(region)
    const regionId = known ?? (await this.api.post<Identified>('/regions', { name: region })).id
    this.#regionIds.set(region, regionId)
    return (await this.api.post<Identified>('/groups', { name, regionId })).id
  }

  /** Enrols an agent and starts it; resolves when the master sees it up. */
  async addAgent(
    name: string,
    groupId: string,
    place: AgentPlace = { host: '127.0.0.1', wrapper: [] },
  ): Promise<FleetAgent> {
    const directory = join(this.directory, name)
    const enrolment = await this.api.post<{ token: string }>('/enrollment-tokens', {
      groupId,
      roles: ['cms', 'cas', 'sm'],
      expiresInS: 600,
      maxUses: 1,
    })
    const files = join(this.directory, 'files')
    // Named, since a checkout may lie below a folder that agents refuse unless told otherwise.
    mkdirSync(files, { recursive: true })
    await mustRun('cd-agent', [
      'enroll',
      '--dir',
      directory,
      '--master',
      this.gatewayUrl,
      '--token',
      enrolment.token,
      '--name',
      name,
      '--allow',
      files,
    ])
    const servers = await this.api.get<{ items: { id: string; name: string }[] }>(
      '/servers?limit=500',
    )
    const serverId = servers.items.find((server) => server.name === name)?.id ?? ''
    const dataPort = freePort()
    const port = place.throughPort?.(dataPort)
    const advertise = port === undefined ? [] : ['--advertise', `127.0.0.1:${port}`]
    const { options = [] } = place
    const more = [...advertise, ...(typeof options === 'function' ? options(dataPort) : options)]
    const server = new ServerProcess(
      'cd-agent',
      ['run', '--dir', directory, '--listen', `${place.host}:${dataPort}`, ...more],
      { logPath: join(this.directory, `${name}.log`), wrapper: place.wrapper },
    )
    const agent: FleetAgent = { name, serverId, directory, dataPort, process: server }
    this.agents.push(agent)
    await this.startAgent(agent)
    return agent
  }

  async startAgent(agent: FleetAgent): Promise<void> {
    agent.process.start()
    await waitFor(`agent ${agent.name} to be up`, async () => {
      const server = await this.api.get<{ state: string }>(`/servers/${agent.serverId}`)
      return server.state === 'up'
    })
  }

  /** Waits until the policy says of itself that every target holds the source's head. */
  async converged(policyId: string, timeoutMs = 60_000): Promise<Convergence> {
    return waitFor(
      `policy ${policyId} to converge`,
      async () => {
        const convergence = await this.api.get<Convergence>(`/policies/${policyId}/convergence`)
        return convergence.converged ? convergence : null
      },
      timeoutMs,
    )
  }

  /** Stops everything, agents first. */
  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.process.stop()))
    await this.master.stop()
  }
}
