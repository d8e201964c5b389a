// Screenshots of every page, light and dark, wide and narrow, from a seeded master: `bun run shots [folder] [page…]`.
import { mkdirSync } from 'node:fs'

import { type Page, chromium } from 'playwright-core'

import { BROWSER_OPTIONS } from '../test/fakes/browser.ts'
import { type SeededFleet, seedFleet } from '../test/fakes/seeded-fleet.ts'
import { PASSWORD, startTestAdmin } from '../test/fakes/test-admin.ts'
import { removeMasterFolders } from '../test/fakes/test-master.ts'

const [folder = 'dist/shots', ...wanted] = process.argv.slice(2)
const WIDTHS = [1280, 390]
const THEMES = ['light', 'dark'] as const

mkdirSync(folder, { recursive: true })
const admin = await startTestAdmin()
const browser = await chromium.launch(BROWSER_OPTIONS)
try {
  await shoot({
    'empty-overview': '/',
    'empty-policies': '/policies',
    'empty-jobs': '/jobs',
    'empty-topology': '/topology',
    'empty-add-server': '/servers/new',
  })
  const fleet = await seedFleet(admin)
  await fill(fleet)
  await shoot({ 'sign-in': '/sign-in' }, false)
  await shoot(await pagesOf(fleet))
  await shootCommand()
  await shootTrial(fleet)
  admin.master.license.set('missing')
  await shoot({ locked: '/license' })
  fleet.stop()
} finally {
  await browser.close()
  await admin.stop()
  removeMasterFolders()
}
process.exit(0)

interface JobItem {
  readonly id: string
  readonly kind: string
  readonly hold: { readonly code: string } | null
}

async function fill(fleet: SeededFleet): Promise<void> {
  fleet.change('website', 1200)
  fleet.change('assets', 64)
  await Bun.sleep(1500)
  fleet.change('website', 3)
  await Bun.sleep(1500)
  fleet.hold(40)
  fleet.strangers(12)
  fleet.swapRoot()
  await Bun.sleep(500)
  await admin.call('admin', `POST /policies/${fleet.policyIds.downloads}/pause`, {
    reason: 'New mirror is being set up',
  })
  await admin.call('admin', 'POST /hop-rules', {
    scope: 'international',
    compression: 6,
    rateBytesPerS: 50 << 20,
  })
}

async function pagesOf(fleet: SeededFleet): Promise<Record<string, string>> {
  const jobs = (await (await admin.call('admin', 'GET /jobs')).json()) as {
    items: JobItem[]
  }
  const isHeld = (kind: string, code: string) => (job: JobItem) =>
    job.kind === kind && job.hold?.code === code
  const { website, assets } = fleet.policyIds
  return {
    overview: '/',
    servers: '/servers',
    server: `/servers/${fleet.serverIds['ap-edge-1']}`,
    'add-server': '/servers/new',
    topology: '/topology',
    policies: '/policies',
    policy: `/policies/${website}`,
    'policy-failing': `/policies/${assets}`,
    'policy-route': `/policies/${website}/route`,
    'policy-what-if': `/policies/${website}/route?bytes=1024&without=${fleet.serverIds['eu-origin-1']}`,
    'policy-edit': `/policies/${assets}/edit`,
    'policy-new': '/policies/new',
    jobs: '/jobs',
    job: `/jobs/${jobs.items.at(-1)?.id}`,
    'job-held': `/jobs/${jobs.items.find(isHeld('realtime', 'MAX_DELETE'))?.id}`,
    'job-first-contact': `/jobs/${jobs.items.find(isHeld('initial', 'FIRST_CONTACT'))?.id}`,
    'job-root-changed': `/jobs/${jobs.items.find(isHeld('initial', 'ROOT_CHANGED'))?.id}`,
    license: '/license',
    users: '/users',
    account: '/account',
    audit: '/audit',
    'api-docs': '/api/docs',
    'not-found': '/nothing-here',
  }
}

async function shoot(pages: Record<string, string>, signedIn = true): Promise<void> {
  for (const width of WIDTHS) {
    for (const theme of THEMES) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: theme,
      })
      const page = await context.newPage()
      if (signedIn) await signIn(page)
      for (const [name, path] of Object.entries(pages)) {
        if (wanted.length > 0 && !wanted.includes(name)) continue
        await page.goto(admin.url + path)
        await page.screenshot({ path: `${folder}/${name}-${width}-${theme}.png`, fullPage: true })
        const over = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        if (Number(over) > 0) console.log(`${name} at ${width}: ${String(over)} px too wide`)
      }
      await context.close()
    }
  }
}

async function shootCommand(): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  await signIn(page)
  await page.goto(`${admin.url}/servers/new`)
  await page.getByRole('button', { name: 'Make the command' }).click()
  await page.screenshot({ path: `${folder}/command-1280-light.png`, fullPage: true })
  await context.close()
}

async function shootTrial({ policyIds }: SeededFleet): Promise<void> {
  if (wanted.length > 0 && !wanted.includes('policy-trial')) return
  for (const width of WIDTHS) {
    for (const theme of THEMES) {
      const viewport = { width, height: 900 }
      const context = await browser.newContext({ viewport, colorScheme: theme })
      const page = await context.newPage()
      await signIn(page)
      await page.goto(`${admin.url}/policies/${policyIds.assets}/edit`)
      await page.getByRole('button', { name: 'Try it on the folders' }).click()
      await page.getByText('What does not').click()
      await page.screenshot({
        path: `${folder}/policy-trial-${width}-${theme}.png`,
        fullPage: true,
      })
      await context.close()
    }
  }
}

async function signIn(page: Page): Promise<void> {
  await page.goto(`${admin.url}/sign-in`)
  await page.getByLabel('Name').fill('admin')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL((url) => url.pathname !== '/sign-in')
}
