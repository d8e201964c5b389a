import { networkInterfaces } from 'node:os'

import { AppError } from '../../core/base/errors.ts'
import { type Command, defineCommand } from '../../platform/cli-command.ts'
import { type CliIo, readInputFile } from '../../platform/cli-io.ts'
import {
  type HostPort,
  hostPort,
  path,
  required,
  text,
  url,
  withDefault,
} from '../../platform/cli-options.ts'
import { createLogger } from '../../platform/log.ts'
import { startAdminListener } from '../admin-listener.ts'
import { withMasterData } from '../data.ts'
import { startGateway } from '../gateway/gateway.ts'
import type { MasterData } from '../license/commands/master-data.ts'
import { decodeText } from '../license/commands/master-data.ts'
import { createMaster } from '../server.ts'

/** `cd-master serve`. */
export const serveCommand: Command = defineCommand({
  name: 'serve',
  summary: 'Run the master: admin tool, API and the gateway for agents',
  description: [
    'Runs until it is stopped; without a valid licence it runs locked and says so. The admin listener refuses any address but loopback without a certificate. The gateway is always TLS, under the authority that agents know.',
  ],
  options: {
    dir: required(path('DIR', 'The data folder that init made')),
    admin: withDefault(
      hostPort('Where the admin tool and the API listen'),
      { host: '127.0.0.1', port: 7400 },
      '127.0.0.1:7400',
    ),
    gateway: withDefault(
      hostPort('Where agents connect'),
      { host: '0.0.0.0', port: 7401 },
      '0.0.0.0:7401',
    ),
    publicUrl: url(['https'], 'How agents reach the gateway, for the line that enrols a host'),
    tlsCert: path('FILE', 'Certificate of the admin listener, PEM'),
    tlsKey: path('FILE', 'Its private key, PEM'),
    db: text('URL', 'A database elsewhere (comes with a later version)'),
  },
  examples: [
    'cd-master serve --dir /var/lib/cd-master --public-url https://master.example.org:7401',
  ],
  run: async (input, { io, logLevel, signal }) => {
    if (input.db !== undefined) {
      throw new AppError('NOT_IMPLEMENTED', 'cannot serve: --db comes with a later version')
    }
    const tls = await readTls(io, input)
    const { admin, gateway, publicUrl, dir } = input
    await withMasterData(dir, async (data) => {
      const lock = data.directory.lock()
      try {
        await serve(data, { admin, gateway, publicUrl, tls, logLevel, signal })
      } finally {
        lock.release()
      }
    })
  },
})

interface ServeOptions {
  readonly admin: HostPort
  readonly gateway: HostPort
  readonly publicUrl: URL | undefined
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly signal: AbortSignal
}

async function serve(data: MasterData, options: ServeOptions): Promise<void> {
  const { admin, gateway, publicUrl, tls, signal } = options
  const log = createLogger({ level: options.logLevel, fields: { program: 'cd-master' } })
  const gatewayUrl = publicUrl?.origin ?? `https://${reachableHost(gateway)}:${gateway.port}`
  const master = await createMaster({ ...data, log, gatewayUrl })
  const stopping = new AbortController()
  const running = master.run(stopping.signal)
  try {
    const { host: hostname, port } = gateway
    const agents = await startGateway(master.context, { hostname, port, fleet: master.fleet })
    try {
      const people = startAdminListener(master.context, {
        hostname: admin.host,
        port: admin.port,
        tls,
      })
      log.info('listening', { admin: people.url, gateway: `${hostname}:${agents.port}` })
      await Promise.race([running, untilAborted(signal)])
      log.info('stopping', { reason: String(signal.reason) })
      await people.stop()
    } finally {
      await agents.stop()
    }
  } finally {
    stopping.abort()
    await running
    await master.stop()
  }
}

async function readTls(
  io: CliIo,
  files: { readonly tlsCert: string | undefined; readonly tlsKey: string | undefined },
): Promise<ServeOptions['tls']> {
  const { tlsCert, tlsKey } = files
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new AppError('USAGE', '--tls-cert and --tls-key are given together or not at all')
  }
  const read = async (file: string) => decodeText(await readInputFile(io, file), file)
  return { cert: await read(tlsCert), key: await read(tlsKey) }
}

/** Where another host is likely to reach a listener: an address of this one where it listens on all. */
function reachableHost({ host }: HostPort): string {
  if (host !== '0.0.0.0' && host !== '::') return host.includes(':') ? `[${host}]` : host
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return (
    addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
  )
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
