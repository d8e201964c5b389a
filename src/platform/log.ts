import { writeSync } from 'node:fs'

import { AppError } from '../core/base/errors.ts'
import { iso } from './clock.ts'
import { readEnvironment } from './config.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
type LogFields = Readonly<Record<string, unknown>>

/** Says what happened, as a short sentence without values; the values are fields. An `error` field may be thrown. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly fields?: LogFields
  readonly nowMs?: () => number
  /** Takes whole lines; by default standard error. */
  readonly write?: (text: string) => void
  /** Readable text in place of JSON; by default where standard error is a terminal. */
  readonly readable?: boolean
}

/** Makes a logger of JSON lines `{time, level, message, …fields}`, or of readable text on a terminal. */
export function createLogger(options: LoggerOptions): Logger {
  const readable = options.readable ?? process.stderr.isTTY
  const format = readable ? readableFormat(readEnvironment().color) : formatJson
  const write = options.write ?? writeStandardError
  const nowMs = options.nowMs ?? Date.now
  const least = LOG_LEVELS.indexOf(options.level)
  const make = (bound: LogFields): Logger => {
    const line = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (LOG_LEVELS.indexOf(level) < least) return
      write(format({ timeMs: nowMs(), level, message, fields: { ...bound, ...fields } }))
    }
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => make({ ...bound, ...fields }),
    }
  }
  return make(options.fields ?? {})
}

interface Line {
  readonly timeMs: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

function formatJson(line: Line): string {
  const { timeMs, level, message, fields } = line
  const head = { time: iso(timeMs), level, message }
  // Once more at the end: a field of the same name must not hide what every line has.
  return `${JSON.stringify({ ...head, ...fields, ...head }, plainValue)}\n`
}

function readableFormat(color: boolean): (line: Line) => string {
  const codes = { debug: 90, info: 36, warn: 33, error: 31 } as const
  return ({ timeMs, level, message, fields }) => {
    const time = iso(timeMs).slice(11, 23)
    const label = color ? `\u001B[${codes[level]}m${level.padEnd(5)}\u001B[0m` : level.padEnd(5)
    const values = Object.entries(fields).map(
      ([name, value]) => ` ${name}=${JSON.stringify(value, plainValue) ?? 'undefined'}`,
    )
    return `${time} ${label} ${message}${values.join('')}\n`
  }
}

/** What JSON cannot hold, made readable. */
function plainValue(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof AppError) return { code: value.code, message: value.message, ...value.data }
  if (value instanceof Error) return { message: value.message, stack: value.stack }
  return value
}

let droppedLines = 0

/**
 * Writes at once, so that the last words before a crash are kept. Where nobody reads the pipe, lines are dropped and
 * counted: a log must never stop or fill the program.
 */
function writeStandardError(text: string): void {
  // The line break first, because the last line may have been cut in its middle.
  const note =
    droppedLines === 0
      ? ''
      : `\n{"level":"warn","message":"log lines dropped","count":${droppedLines}}\n`
  try {
    writeAll(Buffer.from(note + text))
    droppedLines = 0
  } catch {
    droppedLines++
  }
}

function writeAll(bytes: Buffer): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(2, bytes, offset)
}
