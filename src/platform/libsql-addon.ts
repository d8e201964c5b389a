import { addonFile } from './addon-file/libsql.ts'
import { loadNative } from './native.ts'

type NativeFunction = (this: unknown, ...parameters: unknown[]) => unknown

let loaded: Record<string, NativeFunction> | null = null

function native(name: string): NativeFunction {
  loaded ??= loadNative(addonFile()) as Record<string, NativeFunction>
  const found = loaded[name]
  if (found === undefined) throw new Error(`the libsql addon has no function ${name}`)
  return found
}

/**
 * The addon of the package `libsql`, which takes its functions out while it is imported: too early, the folder to unpack
 * into is not known yet. Each function here loads the addon at its first call. scripts/build.ts puts this into
 * `libsql` in place of its own lookup.
 */
export const libsqlAddon: Record<string, NativeFunction> = new Proxy(
  {},
  {
    get: (_target, name) =>
      // The package hands its handles over as `this`.
      function forward(this: unknown, ...parameters: unknown[]): unknown {
        return Reflect.apply(native(String(name)), this, parameters)
      },
  },
)
