import { existsSync } from 'node:fs'

import { TARGETS, type Target } from '../../src/platform/addon-packages.ts'

/** Gives the target of the machine that builds. */
export function hostTarget(): Target {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `${system}-${process.arch}${isMusl() ? '-musl' : ''}`
  const target = TARGETS.find((candidate) => candidate === name)
  if (target === undefined)
    throw new Error(`this machine (${name}) is no target: name one with --target`)
  return target
}

function isMusl(): boolean {
  const loader = process.arch === 'arm64' ? 'ld-musl-aarch64.so.1' : 'ld-musl-x86_64.so.1'
  const glibc = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1']
  return existsSync(`/lib/${loader}`) && !glibc.some((path) => existsSync(path))
}
