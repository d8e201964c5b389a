import { AppError } from '../core/base/errors.ts'
import type { Command, Positional, Program } from './cli-command.ts'
import { choice, flag, type Option, withDefault } from './cli-options.ts'
import { LOG_LEVELS } from './log.ts'

/** What the words on the command line ask for. */
export type Request =
  | { readonly kind: 'version'; readonly json: boolean }
  | { readonly kind: 'help'; readonly command: Command | null }
  | { readonly kind: 'run'; readonly command: Command; readonly given: Given }

/** The words of one command, sorted: what was given under each flag, by its name without dashes, and the rest. */
export interface Given {
  readonly flags: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
}

/** On every command. */
export const LOG_LEVEL = withDefault(
  choice(LOG_LEVELS, 'How much is logged to standard error'),
  'info',
)
const HELP = flag('Print this help')
const JSON_OPTION = flag('Print the data as JSON')

/** All flags of a command by name without dashes, also those that every command has. */
export function flagsOf(command: Command): ReadonlyMap<string, Option<unknown>> {
  const flags = new Map<string, Option<unknown>>()
  for (const [key, option] of Object.entries(command.options)) {
    flags.set(flagName(key), option)
    if (option.form === 'secret') flags.set(`${flagName(key)}-file`, fileBeside(option, key))
  }
  if (command.printsData) flags.set('json', JSON_OPTION)
  flags.set('log-level', LOG_LEVEL)
  flags.set('help', HELP)
  return flags
}

/** `maxLagS` is `max-lag-s` on the command line. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function fileBeside(option: Option<unknown>, key: string): Option<unknown> {
  const help = `The same from a file; - is standard input, as for --${flagName(key)} itself`
  return { ...option, form: 'secretFile', placeholder: 'FILE', help, required: false }
}

/** Takes the command line apart; throws USAGE saying what is wrong with it, in one line. */
export function parseRequest(program: Program, argv: readonly string[]): Request {
  const [first] = argv
  if (first === '--version') return { kind: 'version', json: argv.includes('--json') }
  if (first === '--help' || first === '-h') return { kind: 'help', command: null }
  if (first === undefined) throw usage(`no command given; see ${program.name} --help`)
  const command = findCommand(program, argv)
  const words = argv.slice(command.name.split(' ').length)
  const beforeTerminator = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  if (beforeTerminator.some((word) => word === '--help' || word === '-h'))
    return { kind: 'help', command }
  const given = sortWords(program, command, words)
  return { kind: 'run', command, given }
}

function findCommand(program: Program, argv: readonly string[]): Command {
  const matching = program.commands.filter((command) =>
    command.name.split(' ').every((word, index) => word === argv[index]),
  )
  const longest = matching.toSorted((a, b) => b.name.length - a.name.length)[0]
  if (longest) return longest
  const first = argv[0] ?? ''
  if (first.startsWith('-'))
    throw usage(`the command comes before ${quote(first)}; see ${program.name} --help`)
  const visible = program.commands.filter((command) => !command.hidden).map(({ name }) => name)
  const below = visible.filter((name) => name.startsWith(`${first} `))
  if (below.length > 0) throw usage(`${quote(first)} needs one more word: ${below.join(' or ')}`)
  throw usage(`unknown command ${quote(first)}${hint(first, visible)}; see ${program.name} --help`)
}

function sortWords(program: Program, command: Command, words: readonly string[]): Given {
  const known = flagsOf(command)
  const flags = new Map<string, string[]>()
  const positionals: string[] = []
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      positionals.push(...rest.splice(0))
    } else if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
    } else {
      const [name, value] = takeFlag(known, word, rest)
      flags.set(name, [...(flags.get(name) ?? []), value])
    }
  }
  checkFlags(known, flags)
  checkStandardInput(known, flags)
  checkPositionals(`${program.name} ${command.name}`, command.positionals, positionals)
  return { flags, positionals }
}

function takeFlag(
  known: ReadonlyMap<string, Option<unknown>>,
  word: string,
  rest: string[],
): [string, string] {
  const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
  const option = known.get(name)
  if (!option)
    throw usage(
      `unknown option ${quote(word.split('=', 1)[0] ?? word)}${hint(
        `--${name}`,
        [...known.keys()].map((key) => `--${key}`),
      )}`,
    )
  if (option.form === 'flag') {
    if (inline !== undefined) throw usage(`--${name} takes no value`)
    return [name, '']
  }
  if (inline !== undefined) return [name, inline]
  const next = rest.shift()
  // A forgotten value must not swallow the flag after it; one that begins with dashes is written --name=--value.
  if (next === undefined || /^--?[a-z]/.test(next))
    throw usage(`--${name} needs a value: --${name} ${option.placeholder}`)
  return [name, next]
}

function checkFlags(
  known: ReadonlyMap<string, Option<unknown>>,
  given: ReadonlyMap<string, readonly string[]>,
): void {
  for (const [name, option] of known) {
    const count = given.get(name)?.length ?? 0
    if (count > 1 && !option.repeatable)
      throw usage(`--${name} is given ${count} times, but counts once`)
    const beside = option.form === 'secret' ? (given.get(`${name}-file`)?.length ?? 0) : 0
    if (count > 0 && beside > 0) throw usage(`--${name} and --${name}-file exclude each other`)
    if (option.required && count + beside === 0) {
      const or = option.form === 'secret' ? ` or --${name}-file FILE` : ''
      throw usage(`missing --${name} ${option.placeholder}${or}`)
    }
  }
}

/** Standard input can be read once. */
function checkStandardInput(
  known: ReadonlyMap<string, Option<unknown>>,
  given: ReadonlyMap<string, readonly string[]>,
): void {
  const readers = [...given]
    .filter(([name, values]) => isSecret(known.get(name)) && values.includes('-'))
    .map(([name]) => `--${name}`)
  if (readers.length > 1)
    throw usage(`${readers.join(' and ')} cannot both be read from standard input`)
}

function isSecret(option: Option<unknown> | undefined): boolean {
  return option?.form === 'secret' || option?.form === 'secretFile'
}

function checkPositionals(
  command: string,
  wanted: Readonly<Record<string, Positional>>,
  given: readonly string[],
): void {
  const positionals = Object.values(wanted)
  const missing = positionals.slice(given.length).find(({ count }) => count !== 'optional')
  if (missing) throw usage(`missing ${missing.placeholder}; see ${command} --help`)
  const excess = given[positionals.length]
  if (excess !== undefined && positionals.at(-1)?.count !== 'many')
    throw usage(`unexpected argument ${quote(excess)}; see ${command} --help`)
}

/** Gives the typed value of every positional under its key. */
export function positionalValues(command: Command, given: Given): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  Object.entries(command.positionals).forEach(([key, { count }], index) => {
    values[key] = count === 'many' ? given.positionals.slice(index) : given.positionals[index]
  })
  return values
}

/** A USAGE error. */
export function usage(message: string): AppError {
  return new AppError('USAGE', message)
}

function quote(word: string): string {
  return JSON.stringify(word)
}

function hint(word: string, candidates: readonly string[]): string {
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= 2 && distance < word.length / 2)
    .toSorted((a, b) => a.distance - b.distance)[0]
  return near ? `; did you mean ${near.candidate}` : ''
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
