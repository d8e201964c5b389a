/** What the program takes: `--seconds N`, `--only PATTERN`, `--brief`, `--relay`. */
export interface RegionArguments {
  /** No case begins later than that. */
  readonly seconds: number
  /** Of the cases' names. */
  readonly only: RegExp | null
  /** A few cases in a small network. */
  readonly isBrief: boolean
  /** Instead of all that: a relay that dies in the middle of a large file. */
  readonly isRelay: boolean
}

const USAGE = '--seconds N --only PATTERN --brief --relay'

/** Reads the command line; throws where it does not understand it. */
export function regionArguments(args: readonly string[]): RegionArguments {
  const found = { seconds: Infinity, only: null as RegExp | null, isBrief: false, isRelay: false }
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (arg === '--brief') found.isBrief = true
    else if (arg === '--relay') found.isRelay = true
    else if (arg === '--only') found.only = new RegExp(args[++index] ?? '')
    else if (arg === '--seconds' && Number(args[index + 1]) > 0)
      found.seconds = Number(args[++index])
    else throw new Error(`cannot understand ${JSON.stringify(arg)}: ${USAGE}`)
  }
  return found
}
