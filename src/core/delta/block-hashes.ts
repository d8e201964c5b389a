export const STRONG_BYTES = 16

/** Writes the strong hash of `bytes`, STRONG_BYTES long, to `at` of `target`. */
export type StrongHash = (bytes: Uint8Array, target: Uint8Array, at: number) => void

/** Weak hashes are made of stretches that are a multiple of this, in bytes. */
export const WEAK_STEP_BYTES = 16

/** A weak hash in two lanes of 32 bits, signed. Of bases, which are odd: what each lane is made with. */
export interface Lanes {
  readonly low: number
  readonly high: number
}

/** Hashes bytes: in each lane they are the digits, first to last, of a number to its base, modulo 2 ** 32. */
export type WeakHash = (bytes: Uint8Array, bases: Lanes) => Lanes

/** What blocks are compared by; the platform gives the real ones. */
export interface BlockHashes {
  readonly weak: WeakHash
  readonly strong: StrongHash
}
