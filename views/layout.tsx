import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'

import type { Assets, Frame, LicenseNotice, Theme } from './frame.ts'
import { exactTime } from './parts/format.ts'
import { Icon, type IconName, Mark } from './parts/icon.tsx'
import { Note, NoticeNote } from './parts/note.tsx'
import { Live } from './parts/table.tsx'

interface Place {
  readonly href: string
  readonly label: string
  readonly icon: IconName
}

const FLEET: readonly Place[] = [
  { href: '/', label: 'Overview', icon: 'overview' },
  { href: '/policies', label: 'Policies', icon: 'policies' },
  { href: '/jobs', label: 'Jobs', icon: 'jobs' },
  { href: '/servers', label: 'Servers', icon: 'servers' },
  { href: '/topology', label: 'Topology', icon: 'topology' },
]
const LICENCE: Place = { href: '/license', label: 'Licence', icon: 'licence' }
const ADMINISTRATION: readonly Place[] = [
  { href: '/users', label: 'Users', icon: 'users' },
  { href: '/audit', label: 'Audit', icon: 'audit' },
]
const API: Place = { href: '/api/docs', label: 'API', icon: 'api' }

interface DocumentProps {
  readonly title: string
  readonly theme: Theme
  readonly assets: Assets
  readonly children: Child
}

/** The whole HTML document around a page. */
export const Document = ({ title, theme, assets, children }: DocumentProps) => (
  <>
    {raw('<!doctype html>')}
    <html lang="en" data-theme={theme === 'system' ? undefined : theme}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · CD Master`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="htmx-config" content="extensions:sse, history:false" />
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.style} />
        <script src={assets.htmx} defer></script>
        <script src={assets.events} defer></script>
        <script src={assets.script} defer></script>
      </head>
      <body>{children}</body>
    </html>
  </>
)

interface LayoutProps {
  readonly frame: Frame
  readonly title: string
  /** What comes beside the title: a status, for one. */
  readonly status?: Child
  /** One sentence below the title. */
  readonly about?: Child
  readonly crumbs?: readonly { readonly href: string; readonly label: string }[]
  readonly actions?: Child
  /** Types of events after which the page is read again; pages that change by themselves say so. */
  readonly live?: readonly string[]
  readonly children: Child
}

/** A page within the admin tool: the rail of places, the title with what can be done, and the matter itself. */
export const Layout = (props: LayoutProps) => {
  const { frame } = props
  return (
    <Document title={props.title} theme={frame.theme} assets={frame.assets}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="shell">
        <Rail frame={frame} />
        <main class="page" id="main" tabindex={-1}>
          <div class="page-inner">
            <LicenseBanner license={frame.license} url={frame.url} />
            {frame.notice === null ? null : <NoticeNote notice={frame.notice} />}
            <LivePart url={frame.url} types={props.live ?? []}>
              <PageHead {...props} />
              {props.children}
            </LivePart>
          </div>
        </main>
      </div>
      {props.live !== undefined ? (
        <div id="live" hx-sse:connect="/live" hx-swap="none"></div>
      ) : null}
    </Document>
  )
}

/** What follows the events: everything but messages, which are said once. */
const LivePart = (props: { url: string; types: readonly string[]; children: Child }) =>
  props.types.length === 0 ? (
    <>{props.children}</>
  ) : (
    <Live id="live-part" url={props.url} on={props.types}>
      {props.children}
    </Live>
  )

const PageHead = (props: LayoutProps) => (
  <header class="page-head">
    <div class="page-title">
      {props.crumbs === undefined ? null : (
        <nav aria-label="Where this is">
          <ol class="crumbs">
            {props.crumbs.map((crumb) => (
              <li>
                <a href={crumb.href}>{crumb.label}</a>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div class="page-title-line">
        <h1>{props.title}</h1>
        {props.status}
      </div>
      {props.about === undefined ? null : <p class="soft">{props.about}</p>}
    </div>
    <div class="actions">
      {props.live !== undefined ? (
        <span class="live needs-script" title="This page changes by itself">
          live
        </span>
      ) : null}
      {props.actions}
    </div>
  </header>
)

const Rail = ({ frame }: { frame: Frame }) => (
  <div class="rail">
    <a class="brand" href="/">
      <Mark />
      <span>CD Master</span>
    </a>
    <nav class="places" aria-label="Places">
      {FLEET.map((place) => (
        <PlaceLink place={place} url={frame.url} />
      ))}
      <span class="places-title">Administration</span>
      <PlaceLink place={LICENCE} url={frame.url} />
      {frame.may.administer
        ? ADMINISTRATION.map((place) => <PlaceLink place={place} url={frame.url} />)
        : null}
      <PlaceLink place={API} url={frame.url} />
    </nav>
    <div class="rail-foot">
      <p class="who">
        <a href="/account" title="Your account">
          {frame.account.name}
        </a>
        <span class="soft small">{frame.account.role}</span>
      </p>
      <div class="rail-tools">
        <ThemeSwitch frame={frame} />
        <form method="post" action="/sign-out">
          <input type="hidden" name="csrf" value={frame.csrf} />
          <button class="button button-quiet button-small">Sign out</button>
        </form>
      </div>
    </div>
  </div>
)

const PlaceLink = ({ place, url }: { place: Place; url: string }) => {
  const path = url.split('?')[0] ?? '/'
  const here =
    place.href === '/' ? path === '/' : path === place.href || path.startsWith(`${place.href}/`)
  return (
    <a class="place" href={place.href} aria-current={here ? 'page' : undefined}>
      <Icon name={place.icon} />
      {place.label}
    </a>
  )
}

const NEXT_THEME: Readonly<Record<Theme, Theme>> = {
  system: 'dark',
  dark: 'light',
  light: 'system',
}
const THEME_WORDS: Readonly<Record<Theme, string>> = {
  system: 'Auto',
  dark: 'Dark',
  light: 'Light',
}

/** Goes round: as the system says, dark, light. */
const ThemeSwitch = ({ frame }: { frame: Frame }) => (
  <form method="post" action="/theme">
    <input type="hidden" name="csrf" value={frame.csrf} />
    <input type="hidden" name="back" value={frame.url} />
    <button
      class="button button-quiet button-small"
      name="theme"
      value={NEXT_THEME[frame.theme]}
      title={`Colours: ${THEME_WORDS[frame.theme]}. Switch to ${THEME_WORDS[NEXT_THEME[frame.theme]]}`}
    >
      <Icon name={frame.theme === 'dark' ? 'moon' : 'sun'} />
      {THEME_WORDS[frame.theme]}
    </button>
  </form>
)

const LicenseBanner = ({ license, url }: { license: LicenseNotice; url: string }) => {
  if (license.state === 'valid' || url.startsWith('/license')) return null
  if (license.state === 'grace') {
    return (
      <Note tone="warn">
        <p>
          The licence has ended and runs in grace until{' '}
          <strong>{license.graceUntil === null ? 'soon' : exactTime(license.graceUntil)}</strong>;
          then nothing is synchronized any more. <a href="/license">See the licence</a>
        </p>
      </Note>
    )
  }
  return (
    <Note tone="bad">
      <p>
        This master is locked: its licence is {license.state}. Nothing is synchronized.{' '}
        <a href="/license">Add a licence</a>
      </p>
    </Note>
  )
}

/** A page without places: sign-in, and errors before it. */
export const Alone = (props: DocumentProps) => (
  <Document title={props.title} theme={props.theme} assets={props.assets}>
    <main class="alone">
      <span class="brand">
        <Mark />
        CD Master
      </span>
      {props.children}
    </main>
  </Document>
)
