import { fromText } from '../../core/base/byte-string.ts'
import { AppError } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import type { Address } from '../../core/wire/control.ts'
import { defineCommand, type Command } from '../../platform/cli-command.ts'
import {
  choice,
  choices,
  flag,
  hostPort,
  type HostPort,
  type Option,
  path,
  repeated,
  required,
  shownDefault,
  withDefault,
} from '../../platform/cli-options.ts'
import { systemClock } from '../../platform/clock.ts'
import { type DataDirectory, openDataDirectory } from '../../platform/data-dir.ts'
import { interfaceAddresses, localAddressTowards } from '../../platform/host-addresses.ts'
import { createLogger, type Logger, type LogLevel } from '../../platform/log.ts'
import { realPath } from '../../platform/real-path.ts'
import { VERSION } from '../../platform/version.ts'
import type { WatcherChoice } from '../../platform/watcher.ts'
import { parseAdvertised, reachableAddresses } from '../advertised-addresses.ts'
import type { AgentParts } from '../agent/agent-parts.ts'
import type { Detection, DetectionEvents, HostMonitor, OnFigures } from '../agent/seams.ts'
import { startAgent, type StartedAgent } from '../agent/start-agent.ts'
import { StatusFile } from '../agent/status-file.ts'
import { describeStatus } from '../agent/status.ts'
import { createAllowList } from '../allow-list.ts'
import type { SpawnChild } from '../child-process.ts'
import { ConfigStore } from '../config-store.ts'
import { INDEX_FILE, STATUS_FILE } from '../data-files.ts'
import { type Identity, loadAllowed, loadIdentity, type Role } from '../identity.ts'

const WATCHERS = ['auto', 'kernel', 'parcel'] as const satisfies readonly WatcherChoice[]

/** What the program hands in: parts of other layers, and what depends on how the program was started. */
export interface RunPorts {
  readonly startDetection: (
    options: DetectionOptions,
    events: DetectionEvents,
  ) => Promise<Detection>
  readonly startMonitor: (log: Logger, onFigures: OnFigures) => HostMonitor
  readonly spawnSyncServer: (directory: DataDirectory, logLevel: LogLevel) => SpawnChild
  readonly openTree: AgentParts['openTree']
  /** Whether writing is confined to its root on this host, so that it may receive. */
  readonly canReceive: boolean
}

export interface DetectionOptions {
  readonly directory: DataDirectory
  readonly watcher: WatcherChoice
  readonly log: Logger
}

/** `cd-agent run`: the agent itself, until it is told to stop. */
export function runCommand(ports: RunPorts): Command {
  return defineCommand({
    name: 'run',
    summary: 'Watch, send and receive what the policies say, until stopped',
    description: [
      'Runs what the master granted: cms watches sources, cas sends and receives, sm measures. ' +
        'While the master is away, the agent goes on with what it was told last.',
    ],
    options: {
      dir: required(path('DIR', 'The data folder that enroll made')),
      listen: shownDefault(
        hostPort('Where other agents deliver'),
        '0.0.0.0:7410; with --dial-out any free port of 127.0.0.1',
      ),
      advertise: repeated(advertised()),
      dialOut: flag(
        'Nobody can connect to this host: others reach it by connections that it opens to them',
      ),
      roles: choices(['cms', 'cas', 'sm'], 'Narrow the granted roles to these'),
      watcher: withDefault(
        choice(WATCHERS, 'How changes are noticed; auto takes what loses least here'),
        'auto',
      ),
    },
    examples: [
      'cd-agent run --dir /var/lib/cd-agent --advertise region=10.0.0.5:7410',
      'cd-agent run --dir /var/lib/cd-agent --dial-out',
    ],
    run: async (input, { logLevel, signal }) => {
      if (input.dialOut && input.advertise.length > 0)
        throw new AppError('USAGE', '--dial-out says that there is nothing to --advertise')
      const directory = openDataDirectory(input.dir, 'agent')
      const lock = directory.lock()
      try {
        await runUntilStopped({ ports, directory, input, logLevel, signal })
      } finally {
        lock.release()
      }
    },
  })
}

interface Run {
  readonly ports: RunPorts
  readonly directory: DataDirectory
  readonly input: {
    readonly listen: HostPort | undefined
    readonly advertise: readonly Address[]
    readonly dialOut: boolean
    readonly roles: readonly Role[] | undefined
    readonly watcher: WatcherChoice
  }
  readonly logLevel: LogLevel
  readonly signal: AbortSignal
}

async function runUntilStopped(run: Run): Promise<void> {
  const identity = loadIdentity(run.directory)
  const log = createLogger({ level: run.logLevel, fields: { part: 'agent' } })
  log.info('starting', { version: VERSION, server: identity.name, serverId: identity.serverId })
  const agent = await startAgent(agentParts(run, identity, log))
  const { name, roles, serverId } = identity
  const subject = { serverId, name, roles, version: VERSION, pid: process.pid }
  const describe = () => describeStatus(subject, agent.view(), systemClock.nowMs())
  const statusFile = new StatusFile(run.directory.file(STATUS_FILE), describe, log)
  const revoked = await Promise.race([agent.revoked, stopped(run.signal)])
  await stop(agent, log, revoked === null ? String(run.signal.reason) : revoked.code)
  statusFile.stop()
  if (revoked !== null) throw revoked
}

function agentParts(run: Run, identity: Identity, log: Logger): AgentParts {
  const { directory, input, logLevel, ports } = run
  const roles = input.roles ?? null
  const configStore = new ConfigStore(directory, log)
  const granted = configStore.load()?.roles ?? identity.roles
  const noReceiving = whyNoReceiving(ports, granted, roles)
  const policy = { allowed: loadAllowed(directory), own: fromText(directory.path) }
  return {
    identity,
    rules: { allowList: createAllowList(policy, realPath), roles, noReceiving },
    configStore,
    startDetection: (events) =>
      ports.startDetection({ directory, watcher: input.watcher, log }, events),
    startMonitor: (onFigures) => ports.startMonitor(log, onFigures),
    syncServer:
      noReceiving === null
        ? { spawn: ports.spawnSyncServer(directory, logLevel), ...listening(input) }
        : null,
    openTree: ports.openTree,
    indexFile: directory.file(INDEX_FILE),
    addresses: async (master, listen) =>
      reachableAddresses({
        advertised: input.advertise,
        listen,
        towardsMaster: await localAddressTowards(master.hostname, Number(master.port || '443')),
        ofInterfaces: interfaceAddresses(),
      }),
    clock: systemClock,
    log,
    random: Math.random,
  }
}

/** Where nobody can connect to this host, nothing but the Sync Server's own tunnels has to. */
function listening({ listen, dialOut }: Run['input']): {
  readonly listen: HostPort
  readonly dialsOut: boolean
} {
  const usual = dialOut ? { host: '127.0.0.1', port: 0 } : { host: '0.0.0.0', port: 7410 }
  return { listen: listen ?? usual, dialsOut: dialOut }
}

/** A port is opened only where receiving was granted when the agent started. */
function whyNoReceiving(
  ports: RunPorts,
  granted: readonly Role[],
  wanted: readonly Role[] | null,
): Failure | null {
  if (!ports.canReceive) {
    const message = 'cannot receive on this host: writing is not confined to its root here'
    return { code: 'PLATFORM_UNSUPPORTED', message }
  }
  if (granted.includes('cas') && (wanted?.includes('cas') ?? true)) return null
  const message = 'cannot receive: the role cas was granted after the start; start the agent again'
  return { code: 'FORBIDDEN', message }
}

async function stop(agent: StartedAgent, log: Logger, reason: string): Promise<void> {
  log.info('stopping', { reason })
  await agent.stop(reason)
  log.info('stopped')
}

function stopped(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    signal.addEventListener('abort', () => resolve(null), { once: true })
  })
}

function advertised(): Option<Address | undefined> {
  const wrong = 'must be [SCOPE=]HOST:PORT, where SCOPE is group, region or international'
  return {
    form: 'value',
    placeholder: '[SCOPE=]HOST:PORT',
    help: 'Where other agents reach this one; by default what --listen says',
    required: false,
    repeatable: false,
    fallback: null,
    convert: ([raw]) => {
      if (raw === undefined) return { value: undefined }
      const value = parseAdvertised(raw)
      return value === null ? { wrong } : { value }
    },
  }
}
