import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { Glob } from 'bun'

import type { Target } from '../../src/platform/addon-packages.ts'
import type { FindAddon } from './addons.ts'
import { signatureFault } from './mach-o.ts'
import { nativePlugin } from './native-plugin.ts'

const ROOT = join(import.meta.dir, '../..')

export interface ProgramBuild {
  /** Below the root of the repository. */
  readonly entry: string
  readonly file: string
  readonly target: Target
  readonly findAddon: FindAddon
}

/** Builds one executable and gives its size in bytes. */
export async function buildProgram({
  entry,
  file,
  target,
  findAddon,
}: ProgramBuild): Promise<number> {
  const result = await Bun.build({
    // Workers are found in an executable only as entry points of their own, beside the program in src/.
    entrypoints: [entry, ...workersOf(entry)].map((path) => join(ROOT, path)),
    root: join(ROOT, 'src'),
    compile: {
      target: `bun-${target}`,
      outfile: file,
      // Else a bunfig.toml or .env in the folder of whoever starts the program would run code inside it.
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadPackageJson: false,
      autoloadTsconfig: false,
    },
    // Names stay, so that a stack trace from the field can be read.
    minify: { whitespace: true, syntax: true, identifiers: false },
    plugins: [nativePlugin((name) => findAddon(name, target))],
    throw: false,
  })
  if (!result.success) {
    throw new Error(`cannot build ${file}:\n${result.logs.map(String).join('\n')}`)
  }
  if (target.startsWith('darwin')) requireSignature(file)
  return statSync(file).size
}

function requireSignature(file: string): void {
  const fault = signatureFault(readFileSync(file))
  if (fault !== null) throw new Error(`${file} would not start on macOS: ${fault}`)
}

function workersOf(entry: string): string[] {
  return entry.endsWith('agent.ts')
    ? [...new Glob('src/*.worker.ts').scanSync(ROOT)].toSorted()
    : []
}
