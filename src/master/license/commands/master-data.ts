import { AppError } from '../../../core/base/errors.ts'
import { systemClock } from '../../../platform/clock.ts'
import type { DataDirectory } from '../../../platform/data-dir.ts'
import type { Logger } from '../../../platform/log.ts'
import type { MasterDatabase } from '../../db/database.ts'
import { openInstallation } from '../installation.ts'
import { LicenseService } from '../license-service.ts'

/** A master's data folder, opened for one command, also while its server runs. */
export interface MasterData {
  readonly directory: DataDirectory
  readonly database: MasterDatabase
  readonly installationId: string
}

/** Opens a master's data folder for one piece of work and closes it. */
export type WithMasterData = <T>(path: string, work: (data: MasterData) => Promise<T>) => Promise<T>

const silent = () => undefined
const quiet: Logger = {
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  child: () => quiet,
}

/** The licence of an opened folder. A command says what it finds by its output and its error alone, so nothing is logged. */
export async function openLicense(data: MasterData): Promise<LicenseService> {
  const { directory, database, installationId } = data
  const installation = await openInstallation(directory, installationId)
  return await LicenseService.open({ database, installation, clock: systemClock, log: quiet })
}

/** Text of a file that must be UTF-8; FILE_UNREADABLE else. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `cannot read "${name}": it is no text`, { cause })
  }
}
