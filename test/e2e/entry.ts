import { join } from 'node:path'

const REPOSITORY = join(import.meta.dir, '..', '..')

/** The programs by their entry files, as `bun src/master.ts` runs them: no build is needed. */
export type EntryName = 'master' | 'agent' | 'license'

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Starts a program with an almost empty environment, as a service manager would. */
export function startEntry(entry: EntryName, argv: readonly string[], stdin = '') {
  return Bun.spawn([process.execPath, join(REPOSITORY, 'src', `${entry}.ts`), ...argv], {
    // Bun takes the settings of the compiler from where it is started.
    cwd: REPOSITORY,
    env: { PATH: '/usr/bin:/bin' },
    stdin: new TextEncoder().encode(stdin),
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

/** Runs a program to its end. */
export async function runEntry(
  entry: EntryName,
  argv: readonly string[],
  stdin = '',
): Promise<Ended> {
  const child = startEntry(entry, argv, stdin)
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { status, stdout, stderr }
}

/** Runs a program that must succeed; gives what it printed, without the last line end. */
export async function mustRunEntry(
  entry: EntryName,
  argv: readonly string[],
  stdin = '',
): Promise<string> {
  const { status, stdout, stderr } = await runEntry(entry, argv, stdin)
  if (status !== 0) throw new Error(`${entry} ${argv.join(' ')} ended with ${status}: ${stderr}`)
  return stdout.trimEnd()
}

/** A master that serves on ports of its own choosing, until it is stopped. */
export class ServingMaster {
  readonly adminUrl: string
  readonly gatewayPort: number
  readonly #child: ReturnType<typeof startEntry>
  readonly #dir: string

  private constructor(child: ReturnType<typeof startEntry>, dir: string, listening: Listening) {
    this.#child = child
    this.#dir = dir
    this.adminUrl = listening.admin
    this.gatewayPort = Number(listening.gateway.split(':').at(-1))
  }

  static async start(dir: string): Promise<ServingMaster> {
    const listen = ['--admin', '127.0.0.1:0', '--gateway', '127.0.0.1:0']
    const child = startEntry('master', ['serve', '--dir', dir, ...listen])
    return new ServingMaster(child, dir, await readListening(child.stderr))
  }

  /** Asks the API as an administrator. */
  async api(path: string, init: RequestInit = {}): Promise<Response> {
    const token = await mustRunEntry('master', ['token', '--dir', this.#dir, '--user', 'admin'])
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    return await fetch(`${this.adminUrl}/api/v1${path}`, { ...init, headers })
  }

  /** Stops it cleanly; gives its exit status. */
  async stop(): Promise<number> {
    this.#child.kill('SIGTERM')
    return await this.#child.exited
  }
}

interface Listening {
  readonly admin: string
  readonly gateway: string
}

/** Reads the log until it says where the master listens, and goes on reading, so that it never blocks. */
async function readListening(stderr: ReadableStream<Uint8Array>): Promise<Listening> {
  const found = Promise.withResolvers<Listening>()
  const read = async () => {
    let log = ''
    const decoder = new TextDecoder()
    for await (const bytes of stderr) {
      log += decoder.decode(bytes, { stream: true })
      const line = log.split('\n').find((text) => text.includes('"message":"listening"'))
      if (line) found.resolve(JSON.parse(line) as Listening)
    }
    found.reject(new Error(`the master ended: ${log}`))
  }
  read().catch(found.reject)
  return await found.promise
}
