import type { Program } from '../../src/platform/cli-command.ts'
import type { CliIo } from '../../src/platform/cli-io.ts'
import { runProgram } from '../../src/platform/cli.ts'

/** What a program left behind: exactly what a person would see. */
export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program in this process, with `stdin` on its standard input. */
export async function runCaptured(
  program: Program,
  argv: readonly string[],
  options: { readonly stdin?: string; readonly signal?: AbortSignal } = {},
): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const io: CliIo = {
    argv,
    readStdin: async () => new TextEncoder().encode(options.stdin ?? ''),
    writeStdout: (text) => void (stdout += text),
    writeStderr: (text) => void (stderr += text),
    isTerminal: false,
    signal: options.signal ?? new AbortController().signal,
  }
  const status = await runProgram(program, io)
  return { status, stdout, stderr }
}
