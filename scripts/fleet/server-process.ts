import { openSync } from 'node:fs'

import { type ProgramName, executable } from './executables.ts'

/** A program that stays up, with its log in a file; it can be killed and started again with the same arguments. */
export class ServerProcess {
  #child: Bun.Subprocess | null = null
  readonly program: ProgramName
  readonly args: readonly string[]
  readonly logPath: string
  /** What runs it, for instance in a network of its own; it must become the program. */
  readonly #wrapper: readonly string[]

  constructor(
    program: ProgramName,
    args: readonly string[],
    where: string | { readonly logPath: string; readonly wrapper: readonly string[] },
  ) {
    const { logPath, wrapper } = typeof where === 'string' ? { logPath: where, wrapper: [] } : where
    this.program = program
    this.args = args
    this.logPath = logPath
    this.#wrapper = wrapper
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number {
    if (this.#child === null) throw new Error(`${this.program} was not started`)
    return this.#child.pid
  }

  start(): void {
    const log = openSync(this.logPath, 'a')
    this.#child = Bun.spawn([...this.#wrapper, executable(this.program), ...this.args], {
      env: { PATH: '/usr/bin:/bin' },
      stdin: 'ignore',
      stdout: log,
      stderr: log,
    })
  }

  /** Sends a signal and waits until the process is gone; SIGKILL after ten seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === null || !this.running) return
    child.kill(signal)
    const killer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await child.exited
    clearTimeout(killer)
  }
}
