/** A process of our own executable, as its supervisor sees it. Implemented where processes are made. */
export interface ChildProcess {
  readonly pid: number
  /** Hands a line to its standard input; nothing happens where it is gone. */
  writeLine(line: string): void
  /** Ends its standard input, by which it knows that it should end. */
  endInput(): void
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
  /** How it ended, in words; never rejects. */
  readonly exited: Promise<string>
}

/** Starts one; `onLine` gets each line of its standard output. Its standard error is this process's own. */
export type SpawnChild = (onLine: (line: string) => void) => ChildProcess
