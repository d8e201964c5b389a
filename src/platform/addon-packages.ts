/** What executables are built for, and the addon package of each: `scripts/build.ts` embeds them by this table. */
export const TARGETS = [
  'linux-x64',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-arm64',
  'windows-x64',
] as const
export type Target = (typeof TARGETS)[number]
export type AddonName = 'lz4' | 'watcher' | 'libsql'

const lz4 = (suffix: string): string => `@antoniomuso/lz4-napi-${suffix}/lz4-napi.${suffix}.node`
const watcher = (suffix: string): string => `@parcel/watcher-${suffix}/watcher.node`
const libsql = (suffix: string): string => `@libsql/${suffix}/index.node`

/** The file of an addon within the packages. The makers do not agree on the names of the targets. */
export const ADDON_PACKAGES: Record<AddonName, Record<Target, string>> = {
  lz4: {
    'linux-x64': lz4('linux-x64-gnu'),
    'linux-x64-musl': lz4('linux-x64-musl'),
    'linux-arm64': lz4('linux-arm64-gnu'),
    'linux-arm64-musl': lz4('linux-arm64-musl'),
    'darwin-arm64': lz4('darwin-arm64'),
    'windows-x64': lz4('win32-x64-msvc'),
  },
  watcher: {
    'linux-x64': watcher('linux-x64-glibc'),
    'linux-x64-musl': watcher('linux-x64-musl'),
    'linux-arm64': watcher('linux-arm64-glibc'),
    'linux-arm64-musl': watcher('linux-arm64-musl'),
    'darwin-arm64': watcher('darwin-arm64'),
    'windows-x64': watcher('win32-x64'),
  },
  libsql: {
    'linux-x64': libsql('linux-x64-gnu'),
    'linux-x64-musl': libsql('linux-x64-musl'),
    'linux-arm64': libsql('linux-arm64-gnu'),
    'linux-arm64-musl': libsql('linux-arm64-musl'),
    'darwin-arm64': libsql('darwin-arm64'),
    'windows-x64': libsql('win32-x64-msvc'),
  },
}
