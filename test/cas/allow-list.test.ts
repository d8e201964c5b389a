import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createAllowList } from '../../src/cas/allow-list.ts'
import { fromText } from '../../src/core/base/byte-string.ts'
import { realPath } from '../../src/platform/real-path.ts'

const base = realpathSync(mkdtempSync(join(tmpdir(), 'allow-list-')))
afterAll(() => rmSync(base, { recursive: true }))
for (const folder of ['web/site', 'other', 'own/native', 'links'])
  mkdirSync(join(base, folder), { recursive: true })
symlinkSync('/etc', join(base, 'links/system'))
symlinkSync(join(base, 'web'), join(base, 'links/web'))
symlinkSync(join(base, 'nowhere'), join(base, 'links/broken'))
symlinkSync(join(base, 'links/circle'), join(base, 'links/circle'))

const at = (path: string) => (path.startsWith('/') ? path : join(base, path))
function rules(allowed: string[] | null) {
  const policy = {
    allowed: allowed?.map((path) => fromText(at(path))) ?? null,
    own: fromText(at('own')),
  }
  return createAllowList(policy, realPath)
}
function verdict(allowed: string[] | null, path: string): string {
  const result = rules(allowed).checkRoot(fromText(path.startsWith('!') ? path.slice(1) : at(path)))
  return result.ok ? result.value : result.error.code
}

describe('without --allow, everything but system folders', () => {
  test.each([
    ['web', at('web')],
    ['web/site/not-there/yet', at('web/site/not-there/yet')],
    ['/srv/www', '/srv/www'],
    ['/srv//www/./a/', '/srv/www/a'],
    ['links/web/site', at('web/site')],
    ['/', 'ROOT_REFUSED'],
    ['/bin', 'ROOT_REFUSED'],
    ['/boot/grub', 'ROOT_REFUSED'],
    ['/dev/shm', 'ROOT_REFUSED'],
    ['/etc', 'ROOT_REFUSED'],
    ['/etc/ssl', 'ROOT_REFUSED'],
    ['/lib', 'ROOT_REFUSED'],
    ['/lib64/x', 'ROOT_REFUSED'],
    ['/libx32', 'ROOT_REFUSED'],
    ['/proc/self', 'ROOT_REFUSED'],
    ['/root', 'ROOT_REFUSED'],
    ['/run/x', 'ROOT_REFUSED'],
    ['/sbin', 'ROOT_REFUSED'],
    ['/sys', 'ROOT_REFUSED'],
    ['/usr/local', 'ROOT_REFUSED'],
    ['/etcetera', '/etcetera'],
    ['links/system', 'ROOT_REFUSED'],
    ['links/system/ssl', 'ROOT_REFUSED'],
    ['links/broken', 'IO_ERROR'],
    ['links/circle', 'IO_ERROR'],
    ['own', 'ROOT_REFUSED'],
    ['own/native', 'ROOT_REFUSED'],
    ['own-not', at('own-not')],
    ['!' + base, 'ROOT_REFUSED'],
    ['!relative', 'ROOT_REFUSED'],
    ['!' + at('web') + '/../own', 'ROOT_REFUSED'],
    ['!/srv/a\0b', 'ROOT_REFUSED'],
    ['!', 'ROOT_REFUSED'],
  ])('%s → %s', (path, expected) => expect(verdict(null, path)).toBe(expected))
})

describe('with --allow, exactly what is named', () => {
  test.each([
    [['web'], 'web', at('web')],
    [['web'], 'web/site', at('web/site')],
    [['web'], 'links/web', at('web')],
    [['links/web'], 'web/site', at('web/site')],
    [['web/site'], 'web', 'ROOT_REFUSED'],
    [['web'], 'other', 'ROOT_REFUSED'],
    [['web'], 'web-2', 'ROOT_REFUSED'],
    [['other', 'web'], 'web', at('web')],
    [['/etc/site'], '/etc/site/a', '/etc/site/a'],
    [['/etc/site'], '/etc', 'ROOT_REFUSED'],
    [['/'], 'web', at('web')],
    [['/'], 'own', 'ROOT_REFUSED'],
    [['/'], '/', 'ROOT_REFUSED'],
    [['own'], 'own/native', 'ROOT_REFUSED'],
  ])('%p: %s → %s', (allowed, path, expected) => expect(verdict(allowed, path)).toBe(expected))
})

describe('what may be looked into', () => {
  test.each([
    [null, '/', 'all'],
    [null, '/etc', 'no'],
    [null, 'web', 'all'],
    [null, 'own', 'no'],
    [['web/site'], '/', 'onlyTheWay'],
    [['web/site'], 'web', 'onlyTheWay'],
    [['web/site'], 'web/site', 'all'],
    [['web/site'], 'other', 'no'],
  ])('%p: %s → %s', (allowed, path, expected) => {
    expect(rules(allowed).mayBrowse(fromText(at(path)))).toBe(expected as never)
  })
})
