// Makes folders below ROOT, moves others in from OUTSIDE and renames them, each filled by pieces meanwhile.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'

const [root = '.', outside = '.', name = 'n'] = process.argv.slice(2)
for (let round = 0; round < 40; round++) {
  const made = `${root}/${name}-made-${round}`
  mkdirSync(`${made}/a/b`, { recursive: true })
  writeFileSync(`${made}/a/b/f`, '1')
  const moved = `${outside}/moved-${round}`
  mkdirSync(`${moved}/c/d`, { recursive: true })
  writeFileSync(`${moved}/c/d/f`, '1')
  renameSync(moved, `${made}/a/in`)
  writeFileSync(`${made}/a/in/c/d/g`, '1')
  renameSync(`${made}/a`, `${root}/${name}-renamed-${round}`)
  writeFileSync(`${root}/${name}-renamed-${round}/in/c/h`, '1')
  if (round % 3 === 0) renameSync(`${root}/${name}-renamed-${round}`, `${made}/back`)
}
