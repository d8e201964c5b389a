import type { ErrorCode } from '../core/base/errors.ts'
import type { CliIo } from './cli-io.ts'
import type { Option } from './cli-options.ts'
import type { LogLevel } from './log.ts'

/** 0 done, 1 failed, 2 wrong usage, 3 no valid licence, 4 refused by the other side, 130 interrupted. */
export type ExitStatus = 0 | 1 | 2 | 3 | 4 | 130

/** A word after the flags. Only the last one of a command may be `optional` or `many` (one or more). */
export interface Positional {
  readonly placeholder: string
  readonly help: string
  readonly count: 'one' | 'optional' | 'many'
}

export type Options = Readonly<Record<string, Option<unknown>>>
export type Positionals = Readonly<Record<string, Positional>>

type PositionalValue<P extends Positional> = P['count'] extends 'many'
  ? readonly string[]
  : P['count'] extends 'optional'
    ? string | undefined
    : string

/** What `run` is given: each option and positional under its own key. */
type Input<O extends Options, P extends Positionals> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never
} & { readonly [K in keyof P]: PositionalValue<P[K]> }

/** What a command has beside its input. */
interface CommandContext {
  readonly program: string
  readonly version: string
  readonly io: CliIo
  readonly logLevel: LogLevel
  /** Aborted at SIGINT and SIGTERM: stop cleanly then; the program ends 5 s later or at a second signal whatever happens. */
  readonly signal: AbortSignal
  /** Prints one piece of data: the value as JSON with `--json`, else the text. */
  readonly show: (value: unknown, text: string) => void
}

export interface CommandDefinition<O extends Options, P extends Positionals> {
  /** One to three words: `enroll`, `license add`, `license trust add`. */
  readonly name: string
  /** One line, for the list of commands: what it does, no final period. */
  readonly summary: string
  /** Paragraphs below the summary in the command's own help. */
  readonly description?: readonly string[]
  readonly options: O
  readonly positionals?: P
  /** Whether it prints data and so has `--json`. */
  readonly printsData?: boolean
  /** Not in the list of commands. */
  readonly hidden?: boolean
  readonly examples?: readonly string[]
  /** Throws AppError, whose message says all: `cannot enrol: token expired at …`. */
  readonly run: (input: Input<O, P>, context: CommandContext) => Promise<ExitStatus | void>
}

/** A command whose own types are settled, as a program holds it. */
export type Command = Omit<CommandDefinition<Options, Positionals>, 'run'> & {
  readonly positionals: Positionals
  readonly run: (
    input: Readonly<Record<string, unknown>>,
    context: CommandContext,
  ) => Promise<ExitStatus | void>
}

export interface Program {
  readonly name: string
  readonly version: string
  readonly summary: string
  readonly commands: readonly Command[]
  /** More facts for `--version --json`. */
  readonly versionDetails?: () => Readonly<Record<string, unknown>>
}

/** Defines a command; the types of its input follow from its options and positionals. */
export function defineCommand<const O extends Options, const P extends Positionals = {}>(
  definition: CommandDefinition<O, P>,
): Command {
  // The parser builds the input from these very options, so its type is what they say.
  return { positionals: {}, ...definition } as unknown as Command
}

export function positional<const C extends Positional['count']>(
  placeholder: string,
  count: C,
  help: string,
): Positional & { readonly count: C } {
  return { placeholder, count, help }
}

const REFUSED_BY_LICENCE: readonly ErrorCode[] = [
  'LICENSE_MISSING',
  'LICENSE_INVALID',
  'LICENSE_FOREIGN',
  'LICENSE_EXPIRED',
  'LICENSE_NOT_YET_VALID',
  'LEASE_EXPIRED',
]
const REFUSED_BY_PEER: readonly ErrorCode[] = [
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_USED',
  'AGENT_REVOKED',
  'AGENT_UNKNOWN',
  'INCOMPATIBLE',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'LOGIN_FAILED',
  'TOO_MANY_ATTEMPTS',
  'LICENSE_LIMIT',
]

/** The one table from an error's code to the exit status of the program. */
export function exitStatusOf(code: ErrorCode): ExitStatus {
  if (code === 'USAGE') return 2
  if (code === 'CANCELLED') return 130
  if (REFUSED_BY_LICENCE.includes(code)) return 3
  return REFUSED_BY_PEER.includes(code) ? 4 : 1
}
