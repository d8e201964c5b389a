import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'

import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core'

import { BROWSER_OPTIONS } from '../fakes/browser.ts'
import { type SeededFleet, seedFleet } from '../fakes/seeded-fleet.ts'
import { PASSWORD, type TestAdmin, startTestAdmin } from '../fakes/test-admin.ts'
import { removeMasterFolders } from '../fakes/test-master.ts'

const present = existsSync(BROWSER_OPTIONS.executablePath ?? '')
const mustRun = process.env['CI'] === 'true'
if (!present && !mustRun) console.error('SKIPPED: browser tests, because chromium is missing')

describe.if(present || mustRun)('the admin tool in a real browser', () => {
  let admin: TestAdmin
  let fleet: SeededFleet
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let complaints: string[] = []

  beforeAll(async () => {
    admin = await startTestAdmin()
    fleet = await seedFleet(admin)
    browser = await chromium.launch(BROWSER_OPTIONS)
  }, 60_000)

  afterAll(async () => {
    await browser.close()
    fleet.stop()
    await admin.stop()
    removeMasterFolders()
  })

  beforeEach(async () => {
    context = await browser.newContext()
    page = await context.newPage()
    complaints = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
  })

  afterEach(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })

  async function signIn(name = 'admin', password = PASSWORD): Promise<void> {
    await page.goto(`${admin.url}/sign-in`)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name })

  test('a filter is tried on the folders before anything is saved', async () => {
    await signIn()
    await page.goto(`${admin.url}/policies/${fleet.policyIds.assets}/edit`)
    await page.getByLabel('But not these').fill('\\.tmp$\n~$\n^cache$')
    await page.getByRole('button', { name: 'Try it on the folders' }).click()
    const trial = page.locator('#filter-trial')
    await trial.getByText(/48.211 files .5 GiB. would go/).waitFor()
    await trial.getByText('What does not').click()
    expect(await trial.getByRole('list', { name: 'What does not' }).innerText()).toContain('cache/')
    expect(await page.getByLabel('But not these').inputValue()).toBe('\\.tmp$\n~$\n^cache$')
    await page.getByLabel('But not these').fill('(?=x)')
    await page.getByRole('button', { name: 'Try it on the folders' }).click()
    await page.locator('#exclude-error').getByText('Cannot use the pattern').waitFor()
    const { filter } = (await (
      await admin.call('admin', `GET /policies/${fleet.policyIds.assets}`)
    ).json()) as { filter: { exclude: string[] } }
    expect(filter.exclude).toEqual(['\\.tmp$'])
    complaints = complaints.filter((text) => !text.includes('status of 400'))
  }, 30_000)

  test('Enter in a field of the form saves it, and does not try its filter', async () => {
    await signIn()
    await page.goto(`${admin.url}/policies/${fleet.policyIds.downloads}/edit`)
    await page.getByLabel('Name').press('Enter')
    await page.getByText('downloads is saved').waitFor()
  }, 30_000)

  test('what is held is shown, and goes once somebody has let it go', async () => {
    await signIn()
    fleet.change('assets', 10)
    fleet.hold(3)
    await page.goto(`${admin.url}/`)
    await page.getByRole('link', { name: 'See what is held' }).first().click()
    await page.getByRole('cell', { name: 'Held' }).first().waitFor()
    await page.getByRole('row', { name: 'Held' }).getByRole('link').first().click()
    await page.getByText('3 files are gone or empty at the source').first().waitFor()
    expect(await page.getByRole('list', { name: 'Some of the files' }).innerText()).toContain(
      'page-0012.html',
    )
    await page.getByRole('button', { name: 'Let them go' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Let them go' }).click()
    await page.getByText('Your word is taken in').waitFor()
    expect(await page.getByText('Held until a person says so').count()).toBe(0)
  }, 30_000)

  test('what lies at a new target is shown, and stays where somebody says so', async () => {
    await signIn()
    fleet.strangers(12)
    await page.goto(`${admin.url}/jobs`)
    await page.getByRole('row', { name: 'Held' }).getByRole('link').first().click()
    await page.getByText('12 files lie there').first().waitFor()
    await page.getByText('1 file', { exact: true }).waitFor()
    await page.getByText('and 8 more').waitFor()
    await page.getByRole('button', { name: 'Keep them' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Keep them' }).click()
    await page.getByText('Targets keep these files').waitFor()
    expect(await page.getByText('Held until a person says so').count()).toBe(0)
  }, 30_000)

  test('another folder in the place of a root asks one thing only', async () => {
    await signIn()
    fleet.swapRoot()
    await page.goto(`${admin.url}/jobs`)
    await page.getByRole('row', { name: 'Held' }).getByRole('link').first().click()
    await page.getByText('it is not the folder that was received into before').first().waitFor()
    await page.getByText('Goes on by itself once the known folder is back').waitFor()
    await page.getByRole('button', { name: 'Take the new folder' }).first().waitFor()
    expect(await page.getByRole('button', { name: 'Keep them' }).count()).toBe(0)
    expect(await page.getByText('Would be deleted').count()).toBe(0)
  }, 30_000)

  test('signing in leads to where one wanted to go, and out again', async () => {
    await page.goto(`${admin.url}/policies`)
    await heading('Sign in').waitFor()
    await page.getByLabel('Name').fill('viewer')
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page
      .getByText('The name or the password is wrong', { exact: false })
      .or(page.getByText('Cannot sign in', { exact: false }))
      .waitFor()
    await page.getByLabel('Name').fill('viewer')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await heading('Policies').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading('Sign in').waitFor()
    await page.goto(`${admin.url}/policies`)
    await heading('Sign in').waitFor()
  }, 30_000)

  test('a policy is made by the form, refused with the reason, and its first job seen', async () => {
    await signIn()
    await page.goto(`${admin.url}/policies/new`)
    await page.getByLabel('Name').fill('manuals')
    await page.getByLabel('Source server').selectOption({ label: 'eu-origin-1' })
    await page.locator('[name=sourcePath]').fill('/srv/manuals')
    await page.getByLabel('Target', { exact: true }).selectOption({ label: 'eu / web' })
    await page.locator('[name=targetPath]').fill('/srv/manuals')
    await page.getByLabel('But not these').fill('(?=look-ahead)')
    await page.getByRole('button', { name: 'Make the policy' }).click()
    await page.getByText('Use RE2 syntax', { exact: false }).first().waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('manuals')
    complaints = complaints.filter((text) => !text.includes('status of 400'))
    await page.getByLabel('But not these').fill('\\.tmp$')
    await page.getByRole('button', { name: 'Make the policy' }).click()
    await heading('manuals').waitFor()
    await page.getByText('manuals is made.').waitFor()
    expect(await page.getByRole('link', { name: /^eu-web-\d$/ }).count()).toBe(2)
  }, 30_000)

  test('a job appears and ends by itself on the list of jobs', async () => {
    await signIn()
    await page.goto(`${admin.url}/jobs`)
    await heading('Jobs').waitFor()
    await page.locator(':root[data-live=on]').waitFor()
    const rows = page.locator('tr[id^=job-]')
    const before = await rows.count()
    fleet.change('website', 40)
    await rows.nth(before).waitFor()
    await rows.first().getByText('Done', { exact: true }).waitFor()
    await rows.first().getByRole('link').first().click()
    await page.getByText('page-0001.html').first().waitFor()
  }, 30_000)

  test('pausing asks once and says what it does', async () => {
    await signIn('operator')
    await page.goto(`${admin.url}/policies/${fleet.policyIds.website}`)
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('Nothing is sent any more', { exact: false }).waitFor()
    await page.getByLabel('Reason').fill('maintenance')
    await page.getByRole('button', { name: 'Pause it' }).click()
    await page.getByText('Paused: maintenance', { exact: false }).waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Sync now' }).waitFor()
  }, 30_000)

  test('what somebody is about to send survives that the page is read again', async () => {
    await signIn()
    await page.goto(`${admin.url}/servers/${fleet.serverIds['eu-web-1']}`)
    await page.locator(':root[data-live=on]').waitFor()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByLabel('Reason').fill('half a sentence')
    const readAgain = page.waitForResponse((answer) => answer.url().includes('/servers/'))
    fleet.change('website', 5)
    await readAgain
    await page.getByRole('link', { name: 'Realtime' }).first().waitFor()
    expect(await page.getByLabel('Reason').inputValue()).toBe('half a sentence')
    expect(await page.getByLabel('Reason').isVisible()).toBe(true)
  }, 30_000)

  test('adding a server gives the command to paste', async () => {
    await signIn()
    await page.goto(`${admin.url}/servers/new`)
    await page.getByLabel('Group').selectOption({ label: 'us / web' })
    await page.getByRole('button', { name: 'Make the command' }).click()
    const command = await page.locator('#enrol-command').textContent()
    expect(command).toMatch(/^cd-agent enroll --dir \S+ --master https:\S+ --token cdt1\.\S+$/)
  }, 30_000)

  test('every page is without a complaint of the browser, and no wider than the screen', async () => {
    await signIn()
    await heading('Overview').waitFor()
    const jobs = (await (await admin.call('admin', 'GET /jobs')).json()) as {
      items: { id: string }[]
    }
    const { website } = fleet.policyIds
    const paths = [
      '/',
      '/servers',
      `/servers/${fleet.serverIds['eu-web-1']}`,
      '/servers/new',
      '/topology',
      '/policies',
      `/policies/${website}`,
      `/policies/${website}/route`,
      `/policies/${website}/edit`,
      '/policies/new',
      '/jobs',
      ...jobs.items.slice(0, 1).map(({ id }) => `/jobs/${id}`),
      '/license',
      '/users',
      '/account',
      '/audit',
      '/api/docs',
    ]
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 })
      for (const path of paths) {
        const answer = await page.goto(admin.url + path)
        expect([path, answer?.status()]).toEqual([path, 200])
        const over = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        expect([path, width, over]).toEqual([path, width, 0])
        expect([path, complaints]).toEqual([path, []])
      }
    }
  }, 60_000)

  test('reading and simple forms work without scripts', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    page = await plain.newPage()
    await signIn()
    await page.goto(`${admin.url}/topology`)
    await page.locator('form[action="/regions"] [name=name]').fill('north')
    await page.getByRole('button', { name: 'Add region' }).click()
    await page.getByText('Region north is there', { exact: false }).waitFor()
    await page.goto(`${admin.url}/policies/new`)
    await page.getByRole('button', { name: 'Try it on the folders' }).click()
    await page.getByText('Nothing to try it on').waitFor()
    await page.getByLabel('Source server').selectOption({ label: 'eu-origin-1' })
    await page.getByLabel('Folder', { exact: true }).first().fill('/srv/new')
    await page.getByRole('button', { name: 'Try it on the folders' }).click()
    await page.getByText('eu-origin-1: /srv/new').waitFor()
    expect(await page.getByLabel('Source server').inputValue()).not.toBe('')
    await plain.close()
  }, 30_000)

  test('the colours can be chosen, and stay', async () => {
    await signIn()
    await page.getByRole('button', { name: 'Auto' }).click()
    await page.locator(':root[data-theme=dark]').waitFor()
    await page.goto(`${admin.url}/jobs`)
    await page.locator(':root[data-theme=dark]').waitFor()
  }, 30_000)

  test('a locked master leads to the licence page', async () => {
    admin.master.license.set('missing')
    try {
      await signIn()
      await heading('Licence').waitFor()
      await page.getByText('this master is locked', { exact: false }).first().waitFor()
      await page.goto(`${admin.url}/policies`)
      await heading('Licence').waitFor()
    } finally {
      admin.master.license.set('valid')
    }
  }, 30_000)
})
