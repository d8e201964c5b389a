/** What every benchmark takes: `--pairs N`, `--files N`, `--bytes N`, `--targets N`, `--disk`. */
export interface BenchArguments {
  readonly pairs: number
  readonly files: number
  readonly bytes: number
  readonly targets: number
  /** Trees and data folders on the disk of the temporary folder instead of in memory. */
  readonly onDisk: boolean
}

const NUMBERS = ['pairs', 'files', 'bytes', 'targets'] as const

const STANDARD = { pairs: 5, files: 20_000, bytes: 1 << 30, targets: 1, onDisk: false }

/** Reads the command line over a benchmark's own defaults; throws where it does not understand it. */
export function benchArguments(
  args: readonly string[],
  defaults: Partial<BenchArguments> = {},
): BenchArguments {
  const found = { ...STANDARD, ...defaults }
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (arg === '--disk') {
      found.onDisk = true
      continue
    }
    const name = NUMBERS.find((one) => arg === `--${one}`)
    const value = Number(args[++index])
    if (name === undefined || !Number.isSafeInteger(value) || value < 1)
      throw new Error(
        `cannot understand ${JSON.stringify(arg)}: --pairs N --files N --bytes N --targets N --disk`,
      )
    found[name] = value
  }
  return found
}
