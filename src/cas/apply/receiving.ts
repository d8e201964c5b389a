import type { DataDirectory } from '../../platform/data-dir.ts'
import type { Logger } from '../../platform/log.ts'
import { IndexFile } from '../../store/index-file.ts'
import type { Receiving } from '../commands/sync-server.ts'
import { rootAccepter, targetOpener } from './target-opener.ts'

/** The index of everything that this host holds, in its data folder. */
const INDEX_FILE = 'index.db'

/** Opens the index of a data folder and gives the opener of targets on it. Throws DATA_VERSION, FILE_UNREADABLE. */
export function startReceiving(directory: DataDirectory, log: Logger): Receiving {
  const index = IndexFile.open(directory.file(INDEX_FILE))
  const options = { index, log }
  return {
    openTarget: targetOpener(options),
    acceptRoot: rootAccepter(options),
    close: () => index.close(),
  }
}
