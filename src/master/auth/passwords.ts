import { AppError } from '../../core/base/errors.ts'

/** Shorter ones are guessed; longer ones only cost memory. */
const PASSWORD_LENGTH_MIN = 8
const PASSWORD_LENGTH_MAX = 1024
/** Each hash takes 64 MiB while it is computed, so only so many at a time. */
const CONCURRENCY_MAX = 2
/** Who would wait behind more than these is told to come back. */
const WAITING_MAX = 64

/** Throws INVALID_REQUEST for a password that is too short or too long. */
function assertPassword(password: string): void {
  if (password.length >= PASSWORD_LENGTH_MIN && password.length <= PASSWORD_LENGTH_MAX) return
  throw new AppError(
    'INVALID_REQUEST',
    `cannot accept password: it must have ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters`,
    { data: { field: 'password' } },
  )
}

/** Gives the argon2id hash of a password that `assertPassword` accepts. */
export async function hashPassword(password: string): Promise<string> {
  assertPassword(password)
  return inTurn(() => Bun.password.hash(password, 'argon2id'))
}

/** Tells whether a password belongs to a hash. Takes as long where there is no such account (`hash` null). */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  if (password.length > PASSWORD_LENGTH_MAX) return false
  const known = hash ?? (await placeholder())
  const matches = await inTurn(() => Bun.password.verify(password, known))
  return matches && hash !== null
}

let placeholderHash: Promise<string> | null = null

function placeholder(): Promise<string> {
  placeholderHash ??= Bun.password.hash(crypto.randomUUID(), 'argon2id')
  return placeholderHash
}

let running = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= CONCURRENCY_MAX) await turn()
  else running++
  try {
    return await work()
  } finally {
    // Whoever waits takes this place over, so the number running stays as it is.
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

function turn(): Promise<void> {
  if (waiting.length >= WAITING_MAX) {
    throw new AppError('TOO_MANY_ATTEMPTS', 'cannot check password: too many sign-ins at once', {
      data: { retryAfterS: 5 },
    })
  }
  return new Promise((resolve) => waiting.push(resolve))
}
