import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

/** One thing a person or a program does to a source folder, given a function that makes paths below it. */
export type Operation = readonly [name: string, run: (at: (name: string) => Buffer) => void]

const PRIVILEGES = 'security.capability'
/** CAP_NET_BIND_SERVICE, permitted, as `setcap` writes it. */
const BINDS = '0x0000000200040000000000000000000000000000'

const text = (size: number, fill: string) => fill.repeat(size).slice(0, size)

function run(...command: readonly string[]): void {
  const finished = Bun.spawnSync([...command], { stderr: 'pipe' })
  if (finished.exitCode !== 0) throw new Error(finished.stderr.toString())
}

function exchange(a: Buffer, b: Buffer, spare: Buffer): void {
  renameSync(a, spare)
  renameSync(b, a)
  renameSync(spare, b)
}

/** In order: later rows build on what earlier ones left. Names are latin1 byte strings. */
export const OPERATIONS: readonly Operation[] = [
  [
    'create files and folders',
    (at) => {
      mkdirSync(at('a/b/c'), { recursive: true })
      for (let index = 0; index < 20; index++)
        writeFileSync(at(`a/b/file-${index}`), text(index * 700, 'x'))
      writeFileSync(at('empty'), '')
      mkdirSync(at('empty-folder'))
      mkdirSync(at('other'))
    },
  ],
  [
    'create a file of several MiB',
    (at) => writeFileSync(at('large'), text(5_000_001, 'large file ')),
  ],
  ['edit', (at) => writeFileSync(at('a/b/file-3'), 'edited')],
  ['edit without a change of size', (at) => writeFileSync(at('a/b/file-3'), 'EDITED')],
  ['append', (at) => appendFileSync(at('a/b/file-4'), 'appended')],
  ['append to a large file', (at) => appendFileSync(at('large'), 'tail')],
  [
    'overwrite in the middle of a large file',
    (at) => {
      const file = openSync(at('large'), 'r+')
      writeSync(file, 'in the middle', 2_500_000)
      closeSync(file)
    },
  ],
  [
    'truncate',
    (at) => {
      const file = openSync(at('a/b/file-5'), 'r+')
      ftruncateSync(file, 100)
      closeSync(file)
    },
  ],
  ['rename', (at) => renameSync(at('a/b/file-6'), at('a/b/renamed'))],
  ['rename over an existing file', (at) => renameSync(at('a/b/file-7'), at('a/b/file-8'))],
  ['move between folders', (at) => renameSync(at('a/b/file-9'), at('other/moved'))],
  [
    'rename and edit at once',
    (at) => {
      renameSync(at('a/b/file-10'), at('a/b/renamed-and-edited'))
      appendFileSync(at('a/b/renamed-and-edited'), 'more')
    },
  ],
  ['swap two names', (at) => exchange(at('a/b/file-11'), at('a/b/file-12'), at('a/b/spare'))],
  [
    'a chain of renames',
    (at) => {
      renameSync(at('a/b/file-13'), at('a/b/chain-end'))
      renameSync(at('a/b/file-14'), at('a/b/file-13'))
      renameSync(at('a/b/file-15'), at('a/b/file-14'))
    },
  ],
  [
    'save to a temporary and rename',
    (at) => {
      writeFileSync(at('a/b/.file-16.swp'), 'saved by an editor')
      renameSync(at('a/b/.file-16.swp'), at('a/b/file-16'))
    },
  ],
  [
    'save with a backup',
    (at) => {
      renameSync(at('a/b/file-17'), at('a/b/file-17~'))
      writeFileSync(at('a/b/file-17'), 'new version')
      rmSync(at('a/b/file-17~'))
    },
  ],
  [
    'change modes',
    (at) => {
      chmodSync(at('a/b/file-18'), 0o4755)
      chmodSync(at('a/b'), 0o2750)
      chmodSync(at('empty'), 0o000)
    },
  ],
  ['touch', (at) => utimesSync(at('a/b/file-19'), 1_500_000_000.123, 1_500_000_000.456789)],
  ['touch a folder', (at) => utimesSync(at('other'), 1_400_000_000, 1_400_000_000.5)],
  [
    'symbolic links, also dangling and to folders',
    (at) => {
      symlinkSync('a/b/file-1', at('link'))
      symlinkSync('/nowhere/at all', at('dangling'))
      symlinkSync('a', at('link-to-folder'))
      lutimesSync(at('link'), 1_300_000_000, 1_300_000_000.25)
    },
  ],
  [
    'a fifo',
    (at) => {
      run('mkfifo', '-m', '640', at('fifo').toString())
      utimesSync(at('fifo'), 1_200_000_000, 1_200_000_000.75)
    },
  ],
  [
    'extended attributes',
    (at) => {
      run('setfattr', '-n', 'user.color', '-v', 'red', at('a/b/file-1').toString())
      run('setfattr', '-n', 'user.bytes', '-v', '0x00ff0a', at('a/b/file-1').toString())
      run('setfattr', '-n', 'user.color', '-v', 'blue', at('a').toString())
      run('setfattr', '-n', 'user.empty', at('large').toString())
      chmodSync(at('a/b/file-18'), 0o755)
      run('setfattr', '-n', PRIVILEGES, '-v', BINDS, at('a/b/file-18').toString())
    },
  ],
  [
    'access lists, and what new files begin with',
    (at) => {
      run('setfacl', '-m', 'u:1001:rw,g:1002:r', at('a/b/file-1').toString())
      run('setfacl', '-m', 'u:1001:rwx,g::-', at('other').toString())
      run('setfacl', '-d', '-m', 'u:1001:rwx,g:1002:rx', at('other').toString())
      writeFileSync(at('other/begins-with-a-list'), 'x')
      mkdirSync(at('other/hands-on-a-list'))
      run('setfacl', '-m', 'g:1002:rw', at('fifo').toString())
    },
  ],
  [
    'another mask, owner and mode beside them',
    (at) => {
      chmodSync(at('a/b/file-1'), 0o4750)
      chownSync(at('other/begins-with-a-list'), 1001, 1002)
      chownSync(at('a/b/file-18'), 1001, 1002)
      run('setfattr', '-n', PRIVILEGES, '-v', BINDS, at('a/b/file-18').toString())
    },
  ],
  [
    'attributes and lists of a file whose content changes and whose name too',
    (at) => {
      appendFileSync(at('a/b/file-1'), 'more')
      run('setfattr', '-n', 'user.color', '-v', 'green', at('a/b/file-1').toString())
      renameSync(at('other/begins-with-a-list'), at('a/b/has-a-list'))
    },
  ],
  [
    'attributes and lists that go',
    (at) => {
      run('setfattr', '-x', 'user.bytes', at('a/b/file-1').toString())
      run('setfattr', '-x', 'user.color', at('a').toString())
      run('setfacl', '-b', at('a/b/has-a-list').toString())
      run('setfacl', '-k', at('other').toString())
    },
  ],
  [
    'a sparse file',
    (at) => {
      const file = openSync(at('sparse'), 'w')
      writeSync(file, 'in the middle of nothing', 20_000_000)
      ftruncateSync(file, 64_000_001)
      closeSync(file)
    },
  ],
  [
    'point a link elsewhere',
    (at) => {
      rmSync(at('link'))
      symlinkSync('a/b/file-2', at('link'))
    },
  ],
  ['two names of one file', (at) => linkSync(at('a/b/file-1'), at('second-name'))],
  [
    'more names, of it and of others',
    (at) => {
      for (const name of ['a/b/c/third-name', 'fourth-name']) linkSync(at('second-name'), at(name))
      linkSync(at('a/b/file-4'), at('a/b/file-4-too'))
      writeFileSync(at('new'), text(300_000, 'new '))
      for (const name of ['new-too', 'other/new-too']) linkSync(at('new'), at(name))
    },
  ],
  ['write by one name of several', (at) => appendFileSync(at('fourth-name'), 'more')],
  ['write by one name, from its begin', (at) => writeFileSync(at('new-too'), 'written anew')],
  [
    'change what the names share',
    (at) => {
      chmodSync(at('fourth-name'), 0o640)
      run('setfattr', '-n', 'user.color', '-v', 'violet', at('new-too').toString())
    },
  ],
  ['rename one name', (at) => renameSync(at('fourth-name'), at('other/fourth-name'))],
  [
    'replace one name by a copy',
    (at) => {
      run('cp', '-a', at('a/b/file-4-too').toString(), at('spare').toString())
      renameSync(at('spare'), at('a/b/file-4-too'))
      appendFileSync(at('a/b/file-4'), 'of its own')
    },
  ],
  [
    'make a name one of another file',
    (at) => {
      rmSync(at('second-name'))
      linkSync(at('new'), at('second-name'))
    },
  ],
  ['delete one name', (at) => rmSync(at('new'))],
  [
    'a file becomes a folder',
    (at) => {
      rmSync(at('a/b/file-0'))
      mkdirSync(at('a/b/file-0'))
      writeFileSync(at('a/b/file-0/inside'), 'inside')
    },
  ],
  [
    'a folder becomes a file',
    (at) => {
      rmSync(at('a/b/c'), { recursive: true })
      writeFileSync(at('a/b/c'), 'now a file')
    },
  ],
  [
    'a file becomes a link and a link a file',
    (at) => {
      rmSync(at('a/b/file-2'))
      symlinkSync('file-3', at('a/b/file-2'))
      rmSync(at('dangling'))
      writeFileSync(at('dangling'), 'a file now')
    },
  ],
  ['rename a folder', (at) => renameSync(at('a/b'), at('a/renamed-folder'))],
  ['write below a renamed folder', (at) => writeFileSync(at('a/renamed-folder/after'), 'after')],
  ['move a folder', (at) => renameSync(at('a/renamed-folder'), at('other/moved-folder'))],
  ['swap two folders', (at) => exchange(at('a'), at('other'), at('spare'))],
  [
    'names with spaces, quotes, newlines and other bytes',
    (at) => {
      for (const name of [
        'with space',
        `quote"'\``,
        'new\nline',
        'tab\t',
        '-rf',
        '*?[x]',
        '\\back',
        ' lead',
        'trail ',
      ])
        writeFileSync(at(name), name)
      writeFileSync(at('not utf-8: \xff\xfe\x80'), 'bytes')
      writeFileSync(at(Buffer.from('ünï – 漢字').toString('latin1')), 'utf-8')
      mkdirSync(at('folder \xff'))
      writeFileSync(at('folder \xff/inside \xfe'), 'inside')
      writeFileSync(at('n'.repeat(255)), '255 bytes')
    },
  ],
  ['rename what is not utf-8', (at) => renameSync(at('folder \xff'), at('folder \xfe'))],
  [
    'delete files',
    (at) => {
      rmSync(at('large'))
      rmSync(at('new\nline'))
      rmSync(at('not utf-8: \xff\xfe\x80'))
    },
  ],
  ['delete a folder with all in it', (at) => rmSync(at('a'), { recursive: true })],
  [
    'delete and create again',
    (at) => {
      rmSync(at('empty-folder'), { recursive: true })
      mkdirSync(at('empty-folder'))
      writeFileSync(at('empty-folder/again'), 'again')
    },
  ],
]
