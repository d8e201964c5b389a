// Writes more lines to standard error than it takes, then ends with status 7.
import { createLogger } from '../../src/platform/log.ts'

const log = createLogger({ level: 'info', readable: false })
for (let index = 0; index < 10_000; index++) log.info('a line', { index })
process.exit(7)
