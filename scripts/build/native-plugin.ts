import { join } from 'node:path'

import type { BunPlugin } from 'bun'

import type { AddonName } from '../../src/platform/addon-packages.ts'

const SOURCE = join(import.meta.dir, '../../src/platform')
const ADDON_FILE = /[\\/]src[\\/]platform[\\/]addon-file[\\/](lz4|watcher|libsql)\.ts$/
const LIBSQL_INDEX = /[\\/]node_modules[\\/]libsql[\\/]index\.js$/
const LIBSQL_LOOKUP =
  /const \{ load, currentTarget \} = require\("@neon-rs\/load"\);[\s\S]*?function requireNative\(\) \{[\s\S]*?\n\}\n/

/** Embeds native addons as plain files, which src/platform/native.ts unpacks, in place of what finds them in packages. */
export function nativePlugin(find: (name: AddonName) => string): BunPlugin {
  return {
    name: 'native addons',
    setup(build) {
      build.onLoad({ filter: ADDON_FILE }, ({ path }) => {
        const name = ADDON_FILE.exec(path)?.[1] ?? ''
        return { contents: embeddedAddon(name), loader: 'ts' }
      })
      build.onResolve({ filter: /^embedded-addon:/ }, ({ path }) => ({
        path: find(path.slice('embedded-addon:'.length) as AddonName),
        namespace: 'embedded-addon',
      }))
      // Without a namespace of its own the file would be loaded as an addon, into the runtime's choice of folder.
      build.onLoad({ filter: /./, namespace: 'embedded-addon' }, async ({ path }) => ({
        contents: await Bun.file(path).bytes(),
        loader: 'file',
      }))
      build.onLoad({ filter: LIBSQL_INDEX }, async ({ path }) => ({
        contents: replaceLookup(await Bun.file(path).text()),
        loader: 'js',
      }))
    },
  }
}

function embeddedAddon(name: string): string {
  return `import file from 'embedded-addon:${name}' with { type: 'file' }
export const addonFile = (): string => file
`
}

function replaceLookup(source: string): string {
  if (!LIBSQL_LOOKUP.test(source)) {
    throw new Error(
      'libsql/index.js has changed: scripts/build/native-plugin.ts no longer finds its lookup',
    )
  }
  const ours = JSON.stringify(join(SOURCE, 'libsql-addon.ts'))
  return source.replace(
    LIBSQL_LOOKUP,
    `function requireNative() { return require(${ours}).libsqlAddon }\n`,
  )
}
