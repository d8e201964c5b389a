import type { Program } from './cli-command.ts'
import { INPUT_BYTES_MAX } from './cli-io.ts'
import { runProgram } from './cli.ts'

/** How long a program may take to stop after the first signal. */
const STOP_MS = 5000

/**
 * Runs a program as this process: its arguments, streams and signals, and at the end its exit status. Never returns.
 * The first SIGINT or SIGTERM aborts the signal of the command; a second one, or 5 s, ends the process at once.
 */
export async function runAsProcess(program: Program): Promise<never> {
  const out = new Output(process.stdout)
  const errors = new Output(process.stderr)
  // A reader that has gone (`| head`) is no error of ours, and there is nobody left to tell.
  process.stdout.on('error', () => process.exit(1))
  process.stderr.on('error', () => undefined)
  const signal = stopSignal()
  const status = await runProgram(program, {
    argv: process.argv.slice(2),
    readStdin: () => readStdin(signal),
    writeStdout: (text) => out.write(text),
    writeStderr: (text) => errors.write(text),
    isTerminal: process.stderr.isTTY === true,
    signal,
  })
  await Promise.all([out.flushed(), errors.flushed()])
  process.exit(status)
}

/** What is written to a stream, and when it is out: the end of the process drops what is not. */
class Output {
  readonly #stream: NodeJS.WriteStream
  #last: Promise<void> = Promise.resolve()

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  write(text: string): void {
    // Writes are taken in order: once the last one is out, all are.
    this.#last = new Promise((resolve) => void this.#stream.write(text, () => resolve()))
  }

  async flushed(): Promise<void> {
    await this.#last
  }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(name)
    setTimeout(() => process.exit(130), STOP_MS).unref()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

/** Rejects when the program is asked to stop while it waits for somebody to type. */
async function readStdin(signal: AbortSignal): Promise<Uint8Array> {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
  })
  return await Promise.race([boundedStdin(), stopped])
}

async function boundedStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of Bun.stdin.stream()) {
    chunks.push(chunk)
    size += chunk.length
    if (size > INPUT_BYTES_MAX) break
  }
  return Buffer.concat(chunks)
}
