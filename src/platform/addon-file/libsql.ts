import { installedAddon } from '../installed-addon.ts'

/** Gives the path of the addon. In an executable, scripts/build.ts puts the embedded file in place of this module. */
export const addonFile = (): string => installedAddon('libsql')
