import { type ByteString, fromText, toBytes } from '../base/byte-string.ts'
import type { Entry, SentState } from '../change/entry.ts'
import type { Hasher } from './target-tree.ts'

/** What the name of a partial file in staging says. */
export interface PartialName {
  readonly epochKey: string
  readonly seq: number
}

const EPOCH_KEY_DIGITS = 16
const VERSION_KEY_DIGITS = 32
const NAME = /^p([0-9a-f]{16})-(\d{1,16})-[0-9a-f]{32}$/

/** Gives the name under which one version of one path is staged: whatever defines it is in there. */
export function partialName(
  createHasher: () => Hasher,
  epoch: string,
  { seq, path, state }: Entry & { readonly state: SentState },
): ByteString {
  const version = `${state.size}\0${state.mtimeNs}\0${path}`
  const versionKey = keyOf(createHasher, version as ByteString).slice(0, VERSION_KEY_DIGITS)
  return fromText(`p${epochKey(createHasher, epoch)}-${seq}-${versionKey}`)
}

/** What stands for an epoch in a name. */
export function epochKey(createHasher: () => Hasher, epoch: string): string {
  return keyOf(createHasher, fromText(epoch)).slice(0, EPOCH_KEY_DIGITS)
}

/** Reads a name in staging; null for what is no partial file. */
export function readPartialName(name: ByteString): PartialName | null {
  const [, key, seq] = NAME.exec(name) ?? []
  return key === undefined ? null : { epochKey: key, seq: Number(seq) }
}

function keyOf(createHasher: () => Hasher, text: ByteString): string {
  const hasher = createHasher()
  hasher.update(toBytes(text))
  return hasher.digest()
}
