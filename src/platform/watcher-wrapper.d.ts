/** The half of the package that knows no addon; its own index looks the addon up in a way no bundler can follow. */
declare module '@parcel/watcher/wrapper.js' {
  import type * as ParcelWatcher from '@parcel/watcher'

  export function createWrapper(addon: unknown): typeof ParcelWatcher
}
