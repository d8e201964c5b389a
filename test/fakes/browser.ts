import type { LaunchOptions } from 'playwright-core'

/** Debian's Chromium, without anything that goes out by itself. */
export const BROWSER_OPTIONS: LaunchOptions = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}
