const SPANS: readonly (readonly [limitS: number, divisorS: number, unit: string])[] = [
  [60, 1, 's'],
  [3600, 60, 'min'],
  [86_400, 3600, 'h'],
  [Number.POSITIVE_INFINITY, 86_400, 'd'],
]

/** Says how long ago (or in how long) an instant is: `now`, `4 min ago`, `in 3 h`. */
export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - atMs) / 1000)
  if (Math.abs(seconds) < 5) return 'now'
  const amount = spanOf(Math.abs(seconds))
  return seconds >= 0 ? `${amount} ago` : `in ${amount}`
}

function spanOf(seconds: number): string {
  for (const [limit, divisor, unit] of SPANS)
    if (seconds < limit) return `${Math.floor(seconds / divisor)} ${unit}`
  return `${seconds} s`
}

/** Says a length of time in its largest fitting unit: `40 ms`, `12 s`, `3 h`. */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : spanOf(milliseconds / 1000)
}

/** Says an amount of bytes in binary units with at most one decimal: `0 B`, `1.5 KiB`, `12 GiB`. */
export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const text = unit === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1)
  return `${text.replace(/\.0$/, '')} ${units[unit] ?? ''}`
}

/** Groups thousands with narrow spaces: `1 234 567`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** `1 target`, `2 targets`. */
export function plural(amount: number, noun: string, nouns = `${noun}s`): string {
  return `${count(amount)} ${amount === 1 ? noun : nouns}`
}

/** An instant for people who need it exactly: `2026-11-23 14:05:09 UTC`. */
export function exactTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}
