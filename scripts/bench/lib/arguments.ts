/**
 * What every benchmark takes: `--pairs N`, `--files N`, `--bytes N`, `--targets N`, `--others N`, `--only NAME`, `--disk`.
 */
export interface BenchArguments {
  readonly pairs: number
  readonly files: number
  readonly bytes: number
  readonly targets: number
  /** Runs of what is measured beside ours, where those take much longer; 0 for none. */
  readonly others: number
  /** One part of the benchmark; null for all. */
  readonly only: string | null
  /** Trees and data folders on the disk of the temporary folder instead of in memory. */
  readonly onDisk: boolean
}

const NUMBERS = ['pairs', 'files', 'bytes', 'targets', 'others'] as const

const STANDARD: BenchArguments = {
  pairs: 5,
  files: 20_000,
  bytes: 1 << 30,
  targets: 1,
  others: 5,
  only: null,
  onDisk: false,
}

/** Reads the command line over a benchmark's own defaults; throws where it does not understand it. */
export function benchArguments(
  args: readonly string[],
  defaults: Partial<BenchArguments> = {},
): BenchArguments {
  const found: { -readonly [K in keyof BenchArguments]: BenchArguments[K] } = {
    ...STANDARD,
    ...defaults,
  }
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]
    if (arg === '--disk') {
      found.onDisk = true
      continue
    }
    if (arg === '--only') {
      found.only = args[++index] ?? null
      continue
    }
    const name = NUMBERS.find((one) => arg === `--${one}`)
    const value = Number(args[++index])
    const least = name === 'others' ? 0 : 1
    if (name === undefined || !Number.isSafeInteger(value) || value < least)
      throw new Error(
        `cannot understand ${JSON.stringify(arg)}: --pairs N --files N --bytes N --targets N --others N --only NAME --disk`,
      )
    found[name] = value
  }
  return found
}
