import { describe, expect, test } from 'bun:test'
import { fileURLToPath } from 'node:url'

const fixture = fileURLToPath(new URL('cli-process.fixture.ts', import.meta.url))

function start(...argv: string[]) {
  return Bun.spawn([process.execPath, fixture, ...argv], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

/** Starts a command and waits until it says that it runs. */
async function started(command: string) {
  const child = start(command)
  const reader = child.stdout.getReader()
  const decoder = new TextDecoder()
  let stdout = ''
  while (!stdout.includes('ready\n')) stdout += decoder.decode((await reader.read()).value)
  const rest = async () => {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return stdout
      stdout += decoder.decode(value)
    }
  }
  return { child, rest }
}

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('a server that stops at %s is done', async (signal) => {
    const { child, rest } = await started('serve')
    child.kill(signal)
    expect(await child.exited).toBe(0)
    expect(await rest()).toBe('ready\nstopped\n')
  })

  test('a command that is cut off was interrupted', async () => {
    const { child } = await started('wait')
    child.kill('SIGINT')
    expect(await child.exited).toBe(130)
    expect(await child.stderr.text()).toBe('sample: interrupted by SIGINT [CANCELLED]\n')
  })

  test('a second signal ends at once what does not stop', async () => {
    const { child } = await started('hang')
    child.kill('SIGTERM')
    const again = setInterval(() => child.kill('SIGTERM'), 20)
    expect(await child.exited).toBe(130)
    clearInterval(again)
  })

  test('waiting for a secret can be interrupted', async () => {
    const child = start('ask', '--token', '-')
    const again = setInterval(() => child.kill('SIGINT'), 100)
    expect(await child.exited).toBe(130)
    clearInterval(again)
  })
})

describe('streams', () => {
  test('a secret from standard input', async () => {
    const child = start('ask', '--token', '-')
    await child.stdin.write('s3cret\n')
    await child.stdin.end()
    expect(await child.stdout.text()).toBe('token s3cret\n')
    expect(await child.exited).toBe(0)
  })

  test('all that was written is out before the end', async () => {
    const child = start('much')
    expect((await child.stdout.text()).length).toBe(4_000_001)
    expect(await child.exited).toBe(0)
  })

  test('wrong usage', async () => {
    const child = start('ask')
    expect(await child.stderr.text()).toBe(
      'sample: missing --token TOKEN or --token-file FILE [USAGE]\n',
    )
    expect(await child.exited).toBe(2)
  })
})
