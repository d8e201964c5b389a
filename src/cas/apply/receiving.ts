import type { DataDirectory } from '../../platform/data-dir.ts'
import type { Logger } from '../../platform/log.ts'
import { IndexFile } from '../../store/index-file.ts'
import type { Receiving } from '../commands/sync-server.ts'
import { INDEX_FILE } from '../data-files.ts'
import { rootAccepter, targetOpener } from './target-opener.ts'

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
