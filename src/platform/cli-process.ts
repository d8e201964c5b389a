import type { Program } from './cli-command.ts'
import { type CliIo, INPUT_BYTES_MAX } from './cli-io.ts'
import { runProgram } from './cli.ts'

/** How long a program may take to stop after the first signal. */
const STOP_MS = 5000

/**
 * Runs a program as this process: its arguments, streams and signals, and at the end its exit status. Never returns.
 * The first SIGINT or SIGTERM aborts the signal of the command; a second one, or 5 s, ends the process at once.
 */
export async function runAsProcess(program: Program): Promise<never> {
  const status = await runProgram(program, processIo(stopSignal()))
  // What was written must be out before the process ends.
  await Promise.all([drained(process.stdout), drained(process.stderr)])
  process.exit(status)
}

function processIo(signal: AbortSignal): CliIo {
  // A reader that has gone (`| head`) is no error of ours, and there is nobody left to tell.
  process.stdout.on('error', () => process.exit(1))
  process.stderr.on('error', () => undefined)
  return {
    argv: process.argv.slice(2),
    readStdin: () => readStdin(signal),
    writeStdout: (text) => void process.stdout.write(text),
    writeStderr: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    signal,
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

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()))
}
