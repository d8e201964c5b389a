import type { Command, Positional, Program } from './cli-command.ts'
import type { Option } from './cli-options.ts'
import { flagName, flagsOf } from './cli-parse.ts'

const WIDTH = 96

const EXIT_STATUS = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'wrong usage'],
  ['3', 'no valid licence'],
  ['4', 'refused by the other side'],
  ['130', 'interrupted'],
] as const

/** Gives the help of a whole program: its commands and exit statuses. */
export function programHelp(program: Program): string {
  const visible = program.commands.filter((command) => !command.hidden)
  return [
    `Usage: ${program.name} COMMAND [OPTIONS]`,
    program.summary,
    section(
      'Commands',
      visible.map((command) => [command.name, command.summary]),
    ),
    section('Options', [
      ['--help', 'Print this help, or after a command the help of that command'],
      ['--version', 'Print the version; with --json as JSON'],
    ]),
    section('Exit status', EXIT_STATUS),
  ].join('\n\n')
}

/** Gives the help of one command. */
export function commandHelp(program: Program, command: Command): string {
  const positionals = Object.values(command.positionals)
  const parts = [
    usageLine(program, command),
    ...[`${command.summary}.`, ...(command.description ?? [])].map((paragraph) =>
      wrap(paragraph, WIDTH).join('\n'),
    ),
  ]
  if (positionals.length > 0)
    parts.push(
      section(
        'Arguments',
        positionals.map((item) => [item.placeholder, item.help]),
      ),
    )
  parts.push(
    section(
      'Options',
      [...flagsOf(command)].map(([name, option]) => [flagSyntax(name, option), optionHelp(option)]),
    ),
  )
  if (command.examples)
    parts.push(['Examples:', ...command.examples.map((line) => `  ${line}`)].join('\n'))
  parts.push(section('Exit status', EXIT_STATUS))
  return parts.join('\n\n')
}

function usageLine(program: Program, command: Command): string {
  const needed = Object.entries(command.options).filter(([, option]) => option.required)
  const words = [
    program.name,
    command.name,
    ...needed.map(([key, option]) => flagSyntax(flagName(key), option)),
    '[OPTIONS]',
    ...Object.values(command.positionals).map(positionalSyntax),
  ]
  const [first = '', ...rest] = wrap(words.join(' '), WIDTH - 7)
  return [`Usage: ${first}`, ...rest.map((line) => `         ${line}`)].join('\n')
}

function positionalSyntax({ placeholder, count }: Positional): string {
  if (count === 'many') return `${placeholder}...`
  return count === 'optional' ? `[${placeholder}]` : placeholder
}

function flagSyntax(name: string, option: Option<unknown>): string {
  const value = option.form === 'flag' ? '' : ` ${option.placeholder}`
  return `--${name}${value}${option.repeatable ? '...' : ''}`
}

function optionHelp(option: Option<unknown>): string {
  const notes = [
    option.required ? 'required' : '',
    option.repeatable ? 'may repeat' : '',
    option.fallback === null ? '' : `default ${option.fallback}`,
  ].filter((note) => note !== '')
  return notes.length === 0 ? option.help : `${option.help} (${notes.join('; ')})`
}

/** Two columns; a left side that is too wide stands on its own line. */
function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(30, Math.max(...rows.map(([term]) => term.length)))
  const lines = rows.flatMap(([term, help]) => {
    const [first = '', ...rest] = wrap(help, WIDTH - left - 4)
    const indent = ' '.repeat(left + 4)
    const follow = rest.map((line) => indent + line)
    return term.length > left
      ? [`  ${term}`, indent + first, ...follow]
      : [`  ${term.padEnd(left)}  ${first}`, ...follow]
  })
  return [`${title}:`, ...lines].join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
