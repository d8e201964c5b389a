import type * as ParcelWatcher from '@parcel/watcher'
import { createWrapper } from '@parcel/watcher/wrapper.js'

import { addonFile } from './addon-file/watcher.ts'
import { loadNative } from './native.ts'

let loaded: typeof ParcelWatcher | null = null

/** Gives @parcel/watcher, loaded at the first use. */
export function watcherAddon(): typeof ParcelWatcher {
  loaded ??= createWrapper(loadNative(addonFile()))
  return loaded
}
