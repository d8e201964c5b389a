import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { eventually } from './eventually.ts'

const ROOT = join(import.meta.dir, '../..')

export interface Ended {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs one of the programs from its entry file to its end. */
export async function runProgramFile(
  file: 'license' | 'master',
  words: readonly string[],
): Promise<Ended> {
  const child = Bun.spawn([process.execPath, `src/${file}.ts`, ...words], {
    cwd: ROOT,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { status: await child.exited, out: out.trim(), err: err.trim() }
}

/** A licensed master as a process of its own, on a data folder of its own. */
export class MasterProgram {
  readonly folder: string
  readonly adminPort: number
  readonly gatewayPort: number
  #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | null = null

  private constructor(folder: string) {
    this.folder = folder
    this.adminPort = freePort()
    this.gatewayPort = freePort()
  }

  /** Makes authority, licence files and the master's data folder with the real commands. */
  static async make(): Promise<MasterProgram> {
    const program = new MasterProgram(mkdtempSync(join(tmpdir(), 'cd-master-program-')))
    const at = (name: string) => join(program.folder, name)
    const license = async (...words: string[]) => await must('license', words)
    const master = async (...words: string[]) => await must('master', words)
    writeFileSync(at('password'), 'correct horse battery staple\n')
    await license('init', '--dir', at('authority'))
    const terms = ['--regions', '5', '--groups', '5', '--cas', '9', '--cms', '9', '--days', '30']
    const names = ['--company', 'ACME', '--site', 'Main', '--json']
    const { out } = await license('register', '--dir', at('authority'), ...names, ...terms)
    const { id: site } = JSON.parse(out) as { id: string }
    const issuing = ['--dir', at('authority'), '--site', site]
    await license('issue-site', ...issuing, '--out', at('site.jwt'))
    writeFileSync(at('key.jwk'), (await license('public-key', '--dir', at('authority'))).out)
    const account = ['--admin', 'root', '--password-file', at('password')]
    await master('init', '--dir', at('data'), ...account, '--license-key', at('key.jwk'))
    await master('install-request', '--dir', at('data'), '--out', at('request.jwt'))
    const files = ['--request', at('request.jwt'), '--out', at('install.jwt')]
    await license('issue-install', ...issuing, ...files)
    await master('license', 'add', '--dir', at('data'), at('site.jwt'), at('install.jwt'))
    return program
  }

  get dataFolder(): string {
    return join(this.folder, 'data')
  }

  get gatewayUrl(): string {
    return `https://127.0.0.1:${this.gatewayPort}`
  }

  /** The words that serve it. */
  get serveWords(): readonly string[] {
    const admin = `127.0.0.1:${this.adminPort}`
    const gateway = `127.0.0.1:${this.gatewayPort}`
    return ['serve', '--dir', this.dataFolder, '--admin', admin, '--gateway', gateway]
  }

  /** Starts it; resolves when it is ready. */
  async start(): Promise<void> {
    this.#child = Bun.spawn([process.execPath, 'src/master.ts', ...this.serveWords], {
      cwd: ROOT,
      stdout: 'pipe',
      stderr: 'pipe',
      stdin: 'ignore',
    })
    await eventually('the master to be ready', async () => {
      try {
        return (await fetch(`http://127.0.0.1:${this.adminPort}/readyz`)).ok
      } catch {
        // Not listening yet.
        return false
      }
    })
  }

  /** Ends it with a signal; gives its status. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number> {
    const child = this.#child
    if (child === null) return 0
    this.#child = null
    child.kill(signal)
    return await child.exited
  }

  /** Makes a request to its API with a fresh token. */
  async api(method: string, path: string, body?: unknown): Promise<unknown> {
    this.#token ??= (
      await must('master', ['token', '--dir', this.dataFolder, '--user', 'root'])
    ).out
    const response = await fetch(`http://127.0.0.1:${this.adminPort}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return await response.json()
  }
  #token: string | null = null

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function must(file: 'license' | 'master', words: readonly string[]): Promise<Ended> {
  const ended = await runProgramFile(file, words)
  if (ended.status !== 0) throw new Error(`${file} ${words.join(' ')}: ${ended.err}`)
  return ended
}

/** A port that nothing listens on now. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const { port } = listener
  listener.stop(true)
  return port
}
