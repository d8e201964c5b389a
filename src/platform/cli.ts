import { AppError, toAppError } from '../core/base/errors.ts'
import { type Command, type ExitStatus, exitStatusOf, type Program } from './cli-command.ts'
import { commandHelp, programHelp } from './cli-help.ts'
import { type CliIo, readInputFile } from './cli-io.ts'
import type { Option } from './cli-options.ts'
import {
  flagName,
  type Given,
  LOG_LEVEL,
  parseRequest,
  positionalValues,
  usage,
} from './cli-parse.ts'

/**
 * Runs what the command line asks for and gives the exit status. Nothing is thrown: every error ends here, as one line on
 * standard error, `cd-agent: cannot enrol: token expired at … [TOKEN_EXPIRED]`, and as its status.
 */
export async function runProgram(program: Program, io: CliIo): Promise<ExitStatus> {
  try {
    const request = parseRequest(program, io.argv)
    if (request.kind === 'run') return await runCommand({ program, io, ...request })
    io.writeStdout(
      request.kind === 'version'
        ? versionText(program, request.json)
        : helpText(program, request.command),
    )
    return 0
  } catch (thrown) {
    return reportError(program, io, thrown)
  }
}

function versionText(program: Program, json: boolean): string {
  const { name, version, versionDetails } = program
  return json
    ? `${JSON.stringify({ name, version, ...versionDetails?.() })}\n`
    : `${name} ${version}\n`
}

function helpText(program: Program, command: Command | null): string {
  return `${command ? commandHelp(program, command) : programHelp(program)}\n`
}

interface Run {
  readonly program: Program
  readonly io: CliIo
  readonly command: Command
  readonly given: Given
}

async function runCommand({ program, io, command, given }: Run): Promise<ExitStatus> {
  const logLevel = valueOf('log-level', LOG_LEVEL, given.flags.get('log-level') ?? [])
  const input = { ...positionalValues(command, given) }
  for (const [key, option] of Object.entries(command.options)) {
    const name = flagName(key)
    input[key] = valueOf(name, option, await rawValues({ name, option, given, io }))
  }
  const json = given.flags.has('json')
  const show = (value: unknown, text: string) =>
    io.writeStdout(`${json ? JSON.stringify(value) : text}\n`)
  const { name, version } = program
  return (
    (await command.run(input, { program: name, version, io, logLevel, signal: io.signal, show })) ??
    0
  )
}

function valueOf<T>(name: string, option: Option<T>, raw: readonly string[]): T {
  const converted = option.convert(raw)
  if ('value' in converted) return converted.value
  const secret = option.form === 'secret' || option.form === 'secretFile'
  const words = raw.filter((word) => word !== '').map((word) => JSON.stringify(word))
  const given = secret || words.length === 0 ? '' : `, not ${words.join(', ')}`
  throw usage(`--${name} ${converted.wrong}${given}`)
}

interface Wanted {
  readonly name: string
  readonly option: Option<unknown>
  readonly given: Given
  readonly io: CliIo
}

/** The words given under a flag; a secret's are read from where they are. */
async function rawValues({ name, option, given, io }: Wanted): Promise<readonly string[]> {
  const words = given.flags.get(name) ?? []
  if (option.form === 'value' || option.form === 'flag') return words
  const files = option.form === 'secretFile' ? words : (given.flags.get(`${name}-file`) ?? [])
  const inline = option.form === 'secret' ? words : []
  const read = async (file: string) => secretText(await readInputFile(io, file))
  return [
    ...(await Promise.all(inline.map(async (word) => (word === '-' ? await read('-') : word)))),
    ...(await Promise.all(files.map(read))),
  ]
}

/** Editors and echo end a file with a line end that is no part of the secret. */
function secretText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, '')
}

function reportError(program: Program, io: CliIo, thrown: unknown): ExitStatus {
  const error = io.signal.aborted ? interrupted(io.signal, thrown) : toAppError(thrown)
  const message = error.message.replaceAll(/\s*[\r\n]+\s*/g, ' ')
  io.writeStderr(`${program.name}: ${message} [${error.code}]\n`)
  const stack = error.cause instanceof Error ? error.cause.stack : error.stack
  if (error.code === 'INTERNAL' && io.argv.includes('debug')) io.writeStderr(`${stack}\n`)
  return exitStatusOf(error.code)
}

/** What fails after a signal fails because of it, unless it says otherwise with a code of its own. */
function interrupted(signal: AbortSignal, thrown: unknown): AppError {
  const error = toAppError(thrown)
  if (error.code !== 'INTERNAL') return error
  return new AppError('CANCELLED', `interrupted by ${String(signal.reason)}`, { cause: thrown })
}
