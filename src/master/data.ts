import { randomUUID } from 'node:crypto'

import { AppError } from '../core/base/errors.ts'
import { systemClock } from '../platform/clock.ts'
import { createDataDirectory, openDataDirectory } from '../platform/data-dir.ts'
import { createUser } from './auth/users.ts'
import { createAuthorityFiles } from './authority.ts'
import { SYSTEM_ACTOR } from './context.ts'
import { openMasterDatabase } from './db/database.ts'
import { readSetting, writeSetting } from './db/settings.ts'
import type { MasterData } from './license/commands/master-data.ts'
import { createInstallationKey } from './license/installation.ts'
import { type KeyFile, trustLicenseKey } from './license/trusted-key.ts'

const DATABASE_FILE = 'master.db'
const INSTALLATION_KEY = 'installationId'

export interface NewMaster {
  readonly path: string
  readonly adminName: string
  readonly adminPassword: string
  readonly licenseKey: KeyFile
}

/**
 * Makes the data folder of a new master, whole or not at all: database, first administrator, certificate authority,
 * installation key, trusted licence key. Gives the installation's id. DATA_DIR_EXISTS, INVALID_REQUEST, FILE_UNREADABLE.
 */
export async function createMasterData(order: NewMaster): Promise<string> {
  return await createDataDirectory(order.path, 'master', async (directory) => {
    const database = await openMasterDatabase(directory.file(DATABASE_FILE))
    try {
      const installationId = randomUUID()
      const nowMs = systemClock.nowMs()
      await database.write((writer) =>
        writeSetting(writer, { key: INSTALLATION_KEY, value: installationId }),
      )
      await createAuthorityFiles(directory, nowMs)
      await createInstallationKey(directory)
      await trustLicenseKey(database, order.licenseKey, nowMs)
      const { adminName: name, adminPassword: password } = order
      const context = { database, clock: systemClock }
      await createUser(context, SYSTEM_ACTOR, { name, password, role: 'admin' })
      return installationId
    } finally {
      await database.close()
    }
  })
}

/**
 * Opens a master's data folder for one piece of work, also while its server runs, and closes it. DATA_DIR_MISSING,
 * DATA_VERSION.
 */
export async function withMasterData<T>(
  path: string,
  work: (data: MasterData) => Promise<T>,
): Promise<T> {
  const directory = openDataDirectory(path, 'master')
  const database = await openMasterDatabase(directory.file(DATABASE_FILE))
  try {
    const installationId = await readSetting(database.read, INSTALLATION_KEY)
    if (typeof installationId !== 'string') {
      throw new AppError('DATA_VERSION', `cannot open "${path}": it names no installation`)
    }
    return await work({ directory, database, installationId })
  } finally {
    await database.close()
  }
}
