import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { UseBar } from '../parts/bar.tsx'
import { Csrf } from '../parts/form.tsx'
import { count, exactTime } from '../parts/format.ts'
import { StatusPill } from '../parts/status.tsx'
import { StatusShape, toneOf } from '../parts/status.tsx'
import { Card, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'

interface LicenseDetail {
  readonly state: string
  readonly code: string | null
  readonly message: string | null
  readonly expiresAt: string | null
  readonly graceUntil: string | null
  readonly limits: Readonly<Record<string, number>> | null
  readonly used: Readonly<Record<string, number>>
  readonly company: string | null
  readonly site: string | null
  readonly siteId: string | null
  readonly installationId: string
}

export interface LicenseProps {
  readonly frame: Frame
  readonly license: LicenseDetail
}

const LIMITS: readonly (readonly [key: string, label: string])[] = [
  ['regions', 'Regions'],
  ['groups', 'Groups'],
  ['cms', 'Servers that watch (CMS)'],
  ['cas', 'Servers that transfer (CAS)'],
]

const HEADLINES: Readonly<Record<string, string>> = {
  valid: 'The licence is valid',
  grace: 'The licence has ended and runs in grace',
  expired: 'The licence has expired: this master is locked',
  invalid: 'The licence does not hold: this master is locked',
  missing: 'No licence yet: this master is locked',
}

export const LicensePage = ({ frame, license }: LicenseProps) => (
  <Layout
    frame={frame}
    title="Licence"
    status={<StatusPill state={license.state} />}
    live={['license', 'server']}
  >
    <section class={`card headline tone-${toneOf(license.state)}`}>
      <StatusShape state={license.state} />
      <div class="stack-tight">
        <p>{HEADLINES[license.state] ?? license.state}</p>
        <p class="soft">{sentence(license)}</p>
      </div>
    </section>
    <div class="columns">
      <LimitsCard license={license} />
      <FactsCard frame={frame} license={license} />
    </div>
    {frame.may.administer ? (
      <FilesCard frame={frame} license={license} />
    ) : (
      <ReaderNote license={license} />
    )}
  </Layout>
)

function sentence(license: LicenseDetail): string {
  const end = license.expiresAt === null ? '' : exactTime(license.expiresAt)
  switch (license.state) {
    case 'valid':
      return `It ends on ${end === '' ? 'no known day' : end}${license.graceUntil === null ? '' : `, with grace until ${exactTime(license.graceUntil)}`}.`
    case 'grace':
      return `It ended on ${end}. Everything works until ${license.graceUntil === null ? 'grace ends' : exactTime(license.graceUntil)}; then nothing is synchronized any more.`
    default:
      return `${asSentence(license.message)}. Nothing is synchronized, but agents keep recording changes, so nothing is lost.`
  }
}

function asSentence(message: string | null): string {
  const text = message ?? 'the licence does not hold'
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const LimitsCard = ({ license }: { license: LicenseDetail }) => (
  <Card title="Limits">
    <Table
      caption="Limits of the licence and what is used"
      columns={['What', 'Used', '#In use', '#Allowed']}
    >
      {LIMITS.map(([key, label]) => {
        const used = license.used[key] ?? 0
        const limit = license.limits?.[key]
        return (
          <tr>
            <th scope="row">{label}</th>
            <td>
              {limit === undefined ? (
                <span class="faint">—</span>
              ) : (
                <UseBar used={used} limit={limit} />
              )}
            </td>
            <td class="number">{count(used)}</td>
            <td class="number">
              {limit === undefined ? <span class="faint">—</span> : count(limit)}
            </td>
          </tr>
        )
      })}
    </Table>
  </Card>
)

const FactsCard = ({ frame, license }: LicenseProps) => (
  <Card title="Issued to">
    <dl class="facts card-body">
      <dt>Company</dt>
      <dd>{license.company ?? <span class="faint">nobody yet</span>}</dd>
      <dt>Site</dt>
      <dd>
        {license.site ?? <span class="faint">—</span>}
        {license.siteId === null ? null : <div class="hint mono">{license.siteId}</div>}
      </dd>
      <dt>Installation</dt>
      <dd class="mono small">{license.installationId}</dd>
      <dt>Ends</dt>
      <dd>
        {license.expiresAt === null ? (
          <span class="faint">—</span>
        ) : (
          <Time at={license.expiresAt} nowMs={frame.nowMs} />
        )}
      </dd>
      {license.code === null ? null : (
        <>
          <dt>Code</dt>
          <dd>
            <code>{license.code}</code>
          </dd>
        </>
      )}
    </dl>
  </Card>
)

const FilesCard = ({ frame, license }: LicenseProps) => (
  <Card title={license.state === 'valid' ? 'Renew or change' : 'Get a licence'}>
    <ol class="steps">
      <li data-done={license.siteId === null ? 'false' : 'true'}>
        <span class="stack-tight">
          <span class="strong">Company/Site License File</span>
          <span class="hint">
            Your licence authority issues it when it registers your company and site.
          </span>
        </span>
      </li>
      <li data-done="false">
        <span class="stack-tight">
          <span class="strong">Installation request</span>
          <span class="hint">
            Send this file to the licence authority; it names this installation and its key.
          </span>
        </span>
        <a
          class="button button-small"
          href="/license/install-request"
          download="install-request.jwt"
        >
          Download
        </a>
      </li>
      <li data-done={license.state === 'valid' || license.state === 'grace' ? 'true' : 'false'}>
        <span class="stack-tight">
          <span class="strong">Install License File</span>
          <span class="hint">The answer to the request. It works for this installation only.</span>
        </span>
      </li>
    </ol>
    <form
      method="post"
      action="/license"
      enctype="multipart/form-data"
      class="card-foot filters"
      {...{ 'hx-morph-skip': 'true' }}
    >
      <Csrf token={frame.csrf} />
      <div class="field field-wide">
        <label for="files">Licence files</label>
        <input id="files" name="files" type="file" multiple required />
      </div>
      <button class="button button-main">Add</button>
    </form>
  </Card>
)

const ReaderNote = ({ license }: { license: LicenseDetail }) =>
  license.state === 'valid' ? null : (
    <p class="soft">An administrator can add licence files here.</p>
  )
