import type { LoadLevel } from '../health/verdict.ts'

/** What is known of a server that others may get content from. */
export interface ParentFigures {
  /** What a person, or its hardware, gives it. */
  readonly weight: number
  /** How much it has to do. */
  readonly level: LoadLevel
  /** The most that it was seen to send; null where nobody has seen it send. */
  readonly txBytesPerS: number | null
}

/** What of its weight is left at each level: at the last it passes on what it must, and nothing else. */
const LEFT: Record<LoadLevel, number> = { 0: 1, 1: 0.75, 2: 0.5, 3: 0 }
/** Less than that says nothing of what a server could send. */
const KNOWN_FROM_BYTES_PER_S = 1 << 20
/** One part of a weight; what was measured only decides between servers whose weight and load are alike. */
const PART = 1 / 100

/**
 * Whoever has the higher rank stands above others and passes more on. Measured figures count in steps, each the double
 * of the one before, so that trees do not change with every reading.
 */
export function parentRank({ weight, level, txBytesPerS }: ParentFigures): number {
  const left = weight * LEFT[level]
  if (left === 0 || txBytesPerS === null || txBytesPerS < KNOWN_FROM_BYTES_PER_S) return left
  return left + Math.floor(Math.log2(txBytesPerS / KNOWN_FROM_BYTES_PER_S) + 1) * PART
}
