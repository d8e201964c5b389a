import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  chmodSync,
  closeSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { WatcherChoice, WatcherFactory } from '../../src/platform/watcher.ts'
import { createWatchers } from '../../src/platform/watchers.ts'
import { startInotifyWorker } from '../../src/spawn.ts'
import { Watched } from './watched.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(40_000)

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close()
})

/** Starts a watch of a new folder that `prepare` filled. */
async function watching(choice: WatcherChoice, prepare: (root: string) => void = () => {}) {
  const root = mkdtempSync(join(tmpdir(), 'cd-watch-'))
  prepare(root)
  const factory: WatcherFactory = createWatchers(choice, startInotifyWorker)
  open.push(async () => {
    await factory.close()
    rmSync(root, { recursive: true, force: true })
  })
  const watched = await new Watched(root).start(factory)
  return { root, watched, factory }
}

const range = (count: number) => [...Array(count).keys()]

/** What every watcher must tell, on real folders. */
export function watcherSuite(choice: WatcherChoice): void {
  describe(`watcher: ${choice}`, () => {
    test('files that are made, written, renamed and removed', async () => {
      const { root, watched } = await watching(choice, (at) => writeFileSync(`${at}/old`, '1'))
      writeFileSync(`${root}/new`, '1')
      writeFileSync(`${root}/old`, '22')
      expect(await watched.missing(['new', 'old'])).toEqual([])
      watched.forget()
      renameSync(`${root}/new`, `${root}/newer`)
      expect(await watched.missing(['new', 'newer'])).toEqual([])
      watched.forget()
      rmSync(`${root}/newer`)
      expect(await watched.missing(['newer'])).toEqual([])
      expect(watched.errors).toEqual([])
    })

    test('an editor that saves to a temporary file and renames it', async () => {
      const { root, watched } = await watching(choice, (at) => writeFileSync(`${at}/text`, '1'))
      writeFileSync(`${root}/.text.tmp`, '22')
      renameSync(`${root}/.text.tmp`, `${root}/text`)
      expect(await watched.missing(['text'])).toEqual([])
    })

    test('metadata of files, folders and links', async () => {
      const { root, watched } = await watching(choice, (at) => {
        writeFileSync(`${at}/file`, '1')
        mkdirSync(`${at}/folder`)
        symlinkSync('file', `${at}/link`)
      })
      chmodSync(`${root}/file`, 0o600)
      chmodSync(`${root}/folder`, 0o700)
      lutimesSync(`${root}/link`, 1, 2)
      expect(await watched.missing(['file', 'folder', 'link'])).toEqual([])
    })

    test('a link is told of and never followed', async () => {
      const { root, watched } = await watching(choice, (at) => {
        mkdirSync(`${at}-outside`)
        symlinkSync(`${at}-outside`, `${at}/existing`)
      })
      open.push(async () => rmSync(`${root}-outside`, { recursive: true }))
      symlinkSync(`${root}-outside`, `${root}/link`)
      writeFileSync(`${root}-outside/secret`, '1')
      writeFileSync(`${root}/last`, '1')
      expect(await watched.missing(['link', 'last'])).toEqual([])
      expect([...watched.told].filter((path) => path.includes('secret'))).toEqual([])
    })

    test('files in folders made a moment ago', async () => {
      const { root, watched } = await watching(choice)
      for (const index of range(100)) {
        mkdirSync(`${root}/d${index}`)
        writeFileSync(`${root}/d${index}/f`, '1')
      }
      expect(await watched.missing(range(100).map((index) => `d${index}/f`))).toEqual([])
    })

    test('a whole path of folders made at once, and what comes later at its end', async () => {
      const { root, watched } = await watching(choice)
      mkdirSync(`${root}/a/b/c/d/e`, { recursive: true })
      writeFileSync(`${root}/a/b/c/d/e/f`, '1')
      expect(await watched.missing(['a', 'a/b/c/d/e/f'])).toEqual([])
      writeFileSync(`${root}/a/b/c/d/e/g`, '1')
      expect(await watched.missing(['a/b/c/d/e/g'])).toEqual([])
    })

    test('a folder moved in with content, and what is written in it later', async () => {
      const { root, watched } = await watching(choice)
      mkdirSync(`${root}-in/x/y`, { recursive: true })
      writeFileSync(`${root}-in/x/y/f`, '1')
      renameSync(`${root}-in`, `${root}/in`)
      expect(await watched.missing(['in', 'in/x/y/f'])).toEqual([])
      writeFileSync(`${root}/in/x/y/g`, '1')
      mkdirSync(`${root}/in/x/z`)
      expect(await watched.missing(['in/x/y/g', 'in/x/z'])).toEqual([])
    })

    test('a folder that is renamed, and what is written in it later, under its new name', async () => {
      const { root, watched } = await watching(choice, (at) => {
        mkdirSync(`${at}/x/y`, { recursive: true })
        writeFileSync(`${at}/x/y/f`, '1')
      })
      renameSync(`${root}/x`, `${root}/x2`)
      expect(await watched.missing(['x', 'x2', 'x2/y/f'])).toEqual([])
      renameSync(`${root}/x2`, `${root}/x3`)
      expect(await watched.missing(['x2', 'x3', 'x3/y/f'])).toEqual([])
      writeFileSync(`${root}/x3/y/g`, '1')
      expect(await watched.missing(['x3/y/g'])).toEqual([])
    })

    test('two folders that change places', async () => {
      const { root, watched } = await watching(choice, (at) => {
        mkdirSync(`${at}/a/in-a`, { recursive: true })
        mkdirSync(`${at}/b/in-b`, { recursive: true })
      })
      renameSync(`${root}/a`, `${root}/t`)
      renameSync(`${root}/b`, `${root}/a`)
      renameSync(`${root}/t`, `${root}/b`)
      expect(await watched.missing(['a/in-b', 'b/in-a'])).toEqual([])
      writeFileSync(`${root}/a/in-b/new`, '1')
      writeFileSync(`${root}/b/in-a/new`, '1')
      expect(await watched.missing(['a/in-b/new', 'b/in-a/new'])).toEqual([])
    })

    test('a folder moved out is left alone; one moved out and back is watched', async () => {
      const { root, watched } = await watching(choice, (at) =>
        mkdirSync(`${at}/x/y`, { recursive: true }),
      )
      renameSync(`${root}/x`, `${root}-out`)
      expect(await watched.missing(['x'])).toEqual([])
      writeFileSync(`${root}-out/y/outside`, '1')
      renameSync(`${root}-out`, `${root}/back`)
      expect(await watched.missing(['back', 'back/y/outside'])).toEqual([])
      writeFileSync(`${root}/back/y/inside`, '1')
      expect(await watched.missing(['back/y/inside'])).toEqual([])
    })

    test('a folder that is removed and made again', async () => {
      const { root, watched } = await watching(choice, (at) => mkdirSync(`${at}/x`))
      for (const index of range(5)) {
        rmSync(`${root}/x`, { recursive: true })
        mkdirSync(`${root}/x`)
        writeFileSync(`${root}/x/f${index}`, '1')
        expect(await watched.missing([`x/f${index}`])).toEqual([])
      }
    })

    test('a folder that is removed and made again many times while it is taken up', async () => {
      const { root, watched } = await watching(choice)
      for (const index of range(300)) {
        mkdirSync(`${root}/x/y/z`, { recursive: true })
        if (index % 7 === 0) await Bun.sleep(1)
        rmSync(`${root}/x`, { recursive: true })
      }
      mkdirSync(`${root}/x/y`, { recursive: true })
      writeFileSync(`${root}/x/y/f`, '1')
      expect(await watched.missing(['x/y/f'])).toEqual([])
      expect(watched.errors).toEqual([])
    })

    test.each(['sp ace "quoted" \\ back', 'new\nline', `${'x'.repeat(251)}.txt`, 'grün-日本-🙂'])(
      'a name like %j',
      async (name) => {
        const { root, watched } = await watching(choice)
        writeFileSync(join(root, name), '1')
        expect(await watched.missing([name])).toEqual([])
      },
    )

    test('a name that is not UTF-8 is told, or its folder is given up', async () => {
      const { root, watched } = await watching(choice)
      writeFileSync(Buffer.concat([Buffer.from(`${root}/a`), Buffer.of(0xff, 0xfe)]), '1')
      const giveUpMs = performance.now() + 20_000
      while (!watched.told.has('a\xff\xfe') && performance.now() < giveUpMs) await Bun.sleep(2)
      expect([...watched.told]).toContain('a\xff\xfe')
    })

    test('10,000 files made by another process are all told or found', async () => {
      const { root, watched } = await watching(choice, (at) => mkdirSync(`${at}/d`))
      const script = 'for (let i = 0; i < 10000; i++) require("fs").writeFileSync("d/f" + i, "1")'
      await Bun.spawn([process.execPath, '-e', script], { cwd: root }).exited
      const missing = await watched.missing(range(10_000).map((index) => `d/f${index}`))
      expect(missing.slice(0, 5)).toEqual([])
      expect(watched.errors).toEqual([])
    })

    test('a queue that runs over is told or found', async () => {
      const { root } = await watching('auto', (at) => mkdirSync(`${at}/d`))
      const program = await startProgram(choice, root)
      program.process.kill('SIGSTOP')
      for (const index of range(20_000)) writeFileSync(`${root}/d/f${index}`, '')
      program.process.kill('SIGCONT')
      const giveUpMs = performance.now() + 20_000
      let told = 0
      while (told < 20_000 && performance.now() < giveUpMs) {
        told = Number(/^told (\d+)/.exec(await program.ask())?.[1] ?? 0)
      }
      expect(told).toBeGreaterThanOrEqual(20_000)
    })

    test('a queue that runs over with two files written in turns, then a folder', async () => {
      const { root } = await watching('auto', (at) => mkdirSync(`${at}/d`))
      const program = await startProgram(choice, root)
      program.process.kill('SIGSTOP')
      const files = ['a', 'b'].map((name) => openSync(`${root}/d/${name}`, 'w'))
      for (let index = 0; index < 20_000; index++) for (const file of files) writeSync(file, '+')
      mkdirSync(`${root}/d/late/later`, { recursive: true })
      writeFileSync(`${root}/d/late/later/f`, '1')
      program.process.kill('SIGCONT')
      expect(await program.isTold('d/late/later/f')).toBe(true)
      writeFileSync(`${root}/d/late/later/g`, '1')
      expect(await program.isTold('d/late/later/g')).toBe(true)
      expect(await program.ask()).not.toEndWith('overflows 0')
      for (const file of files) closeSync(file)
    })

    test('folders that are made, moved in and renamed by two processes while they are filled', async () => {
      const { root, watched } = await watching(choice)
      const racers = ['one', 'two'].map((name) => {
        mkdirSync(`${root}-${name}`)
        const program = join(import.meta.dir, 'folder-racer-program.ts')
        return Bun.spawn([process.execPath, program, root, `${root}-${name}`, name])
      })
      for (const racer of racers) expect(await racer.exited).toBe(0)
      for (const name of ['one', 'two']) rmSync(`${root}-${name}`, { recursive: true })
      const found = readdirSync(root, { recursive: true }).map(String)
      expect(found.length).toBeGreaterThan(300)
      expect(await watched.missing(found)).toEqual([])
      expect(watched.errors).toEqual([])
      // Whatever name a folder ended under, it is watched under that one.
      const folders = found.filter((path) => lstatSync(`${root}/${path}`).isDirectory())
      watched.forget()
      for (const folder of folders) writeFileSync(`${root}/${folder}/after`, '1')
      expect(await watched.missing(folders.map((folder) => `${folder}/after`))).toEqual([])
    })

    const canLimit = Bun.spawnSync(['unshare', '-Ur', 'true']).exitCode === 0
    test.skipIf(!canLimit)('too few watches at the start', async () => {
      const { root } = await watching('auto', (at) => {
        for (const index of range(30)) mkdirSync(`${at}/d${index}`)
      })
      const program = await startProgram(choice, root, 20)
      expect(program.first).toStartWith(`failed WATCH_LIMIT cannot watch "${root}"`)
      expect(program.first).toContain('31 folders are to be watched')
      expect(program.first).toContain('more than user.max_inotify_watches = 20 leaves')
    })

    test.skipIf(!canLimit)('too few watches for folders that are made later', async () => {
      const { root } = await watching('auto')
      const program = await startProgram(choice, root, 20)
      expect(program.first).toBe('ready')
      for (const index of range(40)) mkdirSync(`${root}/d${index}`)
      const giveUpMs = performance.now() + 20_000
      let answer = ''
      while (!answer.startsWith('failed') && performance.now() < giveUpMs) {
        answer = await program.ask()
      }
      expect(answer).toStartWith('failed WATCH_LIMIT')
    })

    test('a root that is not there, is a file, or goes', async () => {
      const { root, watched, factory } = await watching(choice, (at) => {
        mkdirSync(`${at}/root`)
        writeFileSync(`${at}/file`, '1')
      })
      for (const name of ['none', 'file']) {
        const started = new Watched(`${root}/${name}`).start(factory)
        expect(await started.then(() => 'ready', codeOf)).toBe('ROOT_MISSING')
      }
      const inner = await new Watched(`${root}/root`).start(factory)
      rmSync(`${root}/root`, { recursive: true })
      expect(await watched.missing(['root'])).toEqual([])
      const giveUpMs = performance.now() + 20_000
      while (inner.errors.length === 0 && performance.now() < giveUpMs) await Bun.sleep(2)
      expect(inner.errors.map((error) => error.code)).toEqual(['ROOT_MISSING'])
    })

    test('several roots at a time, one within another, and one that is closed', async () => {
      const { root, watched, factory } = await watching(choice, (at) => mkdirSync(`${at}/in`))
      const inner = await new Watched(`${root}/in`).start(factory)
      writeFileSync(`${root}/in/a`, '1')
      expect(await watched.missing(['in/a'])).toEqual([])
      expect(await inner.missing(['a'])).toEqual([])
      await inner.watcher.close()
      inner.forget()
      writeFileSync(`${root}/in/b`, '1')
      mkdirSync(`${root}/in/c`)
      writeFileSync(`${root}/in/c/d`, '1')
      expect(await watched.missing(['in/b', 'in/c/d'])).toEqual([])
      expect([...inner.told]).toEqual([])
    })

    test('what lies in the staging folder is not told', async () => {
      const { root, watched } = await watching(choice)
      mkdirSync(`${root}/.cd-staging`)
      writeFileSync(`${root}/.cd-staging/f`, '1')
      writeFileSync(`${root}/after`, '1')
      expect(await watched.missing(['after'])).toEqual([])
      expect(watched.hints.filter((hint) => hint.path.includes('staging'))).toEqual([])
    })

    test('a drain that says yes has handed over everything', async () => {
      const { root, watched } = await watching(choice)
      for (const index of range(20)) {
        writeFileSync(`${root}/f${index}`, '1')
        if (await watched.watcher.drain()) expect(watched.told.has(`f${index}`)).toBe(true)
      }
      expect(readdirSync(root)).toHaveLength(20)
    })
  })
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
}

/** Watches in a process of its own, with at most so many watches. */
async function startProgram(choice: WatcherChoice, root: string, watchesMax?: number) {
  const program = [process.execPath, join(import.meta.dir, 'watch-program.ts'), choice, root]
  const limit = `echo ${watchesMax} > /proc/sys/user/max_inotify_watches && exec "$@"`
  const command =
    watchesMax === undefined ? program : ['unshare', '-Ur', 'sh', '-c', limit, 'sh', ...program]
  const child = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  open.push(async () => {
    child.kill('SIGKILL')
    await child.exited
  })
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<string> => {
    while (!text.includes('\n')) {
      const { value, done } = await lines.read()
      if (done) return ''
      text += value
    }
    const line = text.slice(0, text.indexOf('\n'))
    text = text.slice(line.length + 1)
    return line
  }
  const ask = async (question = '?') => {
    await Bun.sleep(10)
    void child.stdin.write(`${question}\n`)
    await child.stdin.flush()
    return next()
  }
  const isTold = async (path: string) => {
    const giveUpMs = performance.now() + 20_000
    let answer = ''
    while (answer !== 'yes' && performance.now() < giveUpMs) answer = await ask(path)
    return answer === 'yes'
  }
  return { process: child, first: await next(), ask, isTold }
}
