import { readlinkSync } from 'node:fs'

import { waitFor } from '../fleet/wait.ts'

/** A network of its own: that of this program, or one that a process holds and that goes with it. */
export class Namespace {
  /** Runs what follows it there. */
  readonly wrapper: readonly string[]
  readonly #holder: Bun.Subprocess | null

  private constructor(holder: Bun.Subprocess | null) {
    this.#holder = holder
    this.wrapper = holder === null ? [] : ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--']
  }

  /** The network in which this program runs. */
  static readonly own = new Namespace(null)

  static async start(): Promise<Namespace> {
    const holder = Bun.spawn(['unshare', '--net', 'sleep', 'infinity'])
    const idOf = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`)
    await waitFor('a network', () => idOf(holder.pid) !== idOf('self'))
    const namespace = new Namespace(holder)
    namespace.run('ip', 'link', 'set', 'lo', 'up')
    return namespace
  }

  /** A process that lives in it. */
  get pid(): number | 'self' {
    return this.#holder?.pid ?? 'self'
  }

  /** Runs a command there; throws with what it said where it fails. */
  run(...command: readonly string[]): void {
    const { exitCode, stderr } = Bun.spawnSync([...this.wrapper, ...command], { stderr: 'pipe' })
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`)
  }

  /** All that lies in it goes too. */
  stop(): void {
    this.#holder?.kill('SIGKILL')
  }
}
