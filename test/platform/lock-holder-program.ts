// Holds the lock of the data folder given as argument until it is killed.
import { openDataDirectory } from '../../src/platform/data-dir.ts'

openDataDirectory(process.argv[2] ?? '', 'agent').lock()
console.log('held')
await new Response(Bun.stdin.stream()).text()
