import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** `bun run bench NAME`: each benchmark is a program of its own in scripts/bench/. */
const names = readdirSync(join(import.meta.dir, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
const [name, ...args] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  console.error(`bench: name one of: ${names.join(', ')}`)
  process.exit(2)
}
const child = Bun.spawn([process.execPath, join(import.meta.dir, 'bench', `${name}.ts`), ...args], {
  stdio: ['inherit', 'inherit', 'inherit'],
})
process.exit(await child.exited)
