import type * as Lz4 from 'lz4-napi'

import { addonFile } from './addon-file/lz4.ts'
import { loadNative } from './native.ts'

let loaded: typeof Lz4 | null = null

/** Gives lz4-napi, loaded at the first use. Only compression.ts may call it: it allocates whatever its input claims. */
export function lz4(): typeof Lz4 {
  loaded ??= loadNative(addonFile()) as typeof Lz4
  return loaded
}
