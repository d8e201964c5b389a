import { ADDON_PACKAGES, type AddonName, TARGETS } from './addon-packages.ts'

/** Finds the addon for this machine among the installed packages: for programs that run from their sources. */
export function installedAddon(name: AddonName): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const machine = `${system}-${process.arch}`
  for (const target of TARGETS) {
    if (target !== machine && target !== `${machine}-musl`) continue
    const file = resolveInstalled(ADDON_PACKAGES[name][target])
    if (file !== null) return file
  }
  throw new Error(`the ${name} addon for ${machine} is not installed`)
}

/** Only one C library's variant is installed, so the other's absence is no error. */
function resolveInstalled(specifier: string): string | null {
  try {
    return Bun.resolveSync(specifier, import.meta.dir)
  } catch {
    return null
  }
}
