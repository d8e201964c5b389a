import { createReadStream } from 'node:fs'

import { AppError } from '../core/base/errors.ts'

/** What a program has of the world, handed in so that it can be tested. */
export interface CliIo {
  /** The words after the program's name. */
  readonly argv: readonly string[]
  /** Everything that standard input holds, once. */
  readonly readStdin: () => Promise<Uint8Array>
  readonly writeStdout: (text: string) => void
  readonly writeStderr: (text: string) => void
  /** Whether standard error is a terminal: logs are then text for people. */
  readonly isTerminal: boolean
  /** Aborted when the program is asked to stop; its reason is the signal's name. */
  readonly signal: AbortSignal
}

/** Bytes of a file or of standard input that a command takes as one argument: keys, licences and requests are small. */
export const INPUT_BYTES_MAX = 1 << 20

/**
 * Reads a file that an argument names; `-` is standard input. FILE_UNREADABLE where it cannot be read or is larger than
 * 1 MiB.
 */
export async function readInputFile(io: CliIo, path: string): Promise<Uint8Array> {
  const shown = path === '-' ? 'standard input' : `"${path}"`
  const bytes = await (path === '-' ? io.readStdin() : readWhole(path))
  if (bytes.length <= INPUT_BYTES_MAX) return bytes
  throw new AppError(
    'FILE_UNREADABLE',
    `cannot read ${shown}: larger than ${INPUT_BYTES_MAX} bytes`,
  )
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const chunks: Buffer[] = []
    // One byte more than allowed tells a file that is too large without reading it whole; a stream reads pipes too.
    for await (const chunk of createReadStream(path, { end: INPUT_BYTES_MAX })) chunks.push(chunk)
    return Buffer.concat(chunks)
  } catch (thrown) {
    throw new AppError('FILE_UNREADABLE', `cannot read "${path}": ${systemReason(thrown)}`, {
      cause: thrown,
    })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  EEXIST: 'it exists already',
  ENOSPC: 'no space left on the device',
  EROFS: 'read-only file system',
  EADDRINUSE: 'the port is in use',
}

/** Says in words why a call to the system failed. */
export function systemReason(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return REASONS[code] ?? (thrown instanceof Error ? thrown.message : String(thrown))
}
