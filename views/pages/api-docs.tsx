import type { Assets, Theme } from '../frame.ts'
import { Document } from '../layout.tsx'
import { Mark } from '../parts/icon.tsx'
import { Card, Table } from '../parts/table.tsx'

export interface EndpointView {
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly tag: string
  readonly role: string
  readonly query: readonly FieldView[]
  readonly body: readonly FieldView[]
  readonly answer: readonly FieldView[]
  readonly status: number
}

export interface FieldView {
  readonly name: string
  readonly type: string
  readonly required: boolean
}

export interface ApiDocsProps {
  readonly assets: Assets
  readonly theme: Theme
  readonly version: string
  readonly endpoints: readonly EndpointView[]
  readonly errors: readonly {
    readonly code: string
    readonly status: number
    readonly action: string
  }[]
}

export const ApiDocsPage = (props: ApiDocsProps) => {
  const tags = [...new Set(props.endpoints.map((endpoint) => endpoint.tag))]
  return (
    <Document title="API" theme={props.theme} assets={props.assets}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="shell">
        <div class="rail">
          <a class="brand" href="/">
            <Mark />
            CD Master
          </a>
          <nav class="places" aria-label="Parts of the API">
            <a class="place" href="#use">
              How to use it
            </a>
            {tags.map((tag) => (
              <a class="place" href={`#${anchor(tag)}`}>
                {tag}
              </a>
            ))}
            <a class="place" href="#errors">
              Error codes
            </a>
          </nav>
        </div>
        <main class="page" id="main">
          <div class="page-inner">
            <header class="page-head">
              <div class="page-title">
                <h1>API</h1>
                <p class="soft">
                  Everything the pages do, and more. The same as a document for programs:{' '}
                  <a href="/api/openapi.json">openapi.json</a>, version {props.version}.
                </p>
              </div>
            </header>
            <Use />
            {tags.map((tag) => (
              <section class="stack" id={anchor(tag)} aria-label={tag}>
                <h2>{tag}</h2>
                {props.endpoints
                  .filter((endpoint) => endpoint.tag === tag)
                  .map((endpoint) => (
                    <EndpointPart endpoint={endpoint} />
                  ))}
              </section>
            ))}
            <Errors errors={props.errors} />
          </div>
        </main>
      </div>
    </Document>
  )
}

function anchor(tag: string): string {
  return tag.toLowerCase().replaceAll(' ', '-')
}

const Use = () => (
  <Card title="How to use it" id="use">
    <div class="card-body stack">
      <div class="command">
        <code>{`curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:7400/api/v1/policies`}</code>
      </div>
      <ul class="stack-tight soft">
        <li>Make a token on the page of your account; it may do no more than its account.</li>
        <li>
          Wherever an id is taken, name:web-1 is too, and name:eu/web for a group in its region.
        </li>
        <li>
          Lists are {'{items, nextCursor}'}; ask for more with cursor, and up to 500 with limit.
        </li>
        <li>
          Objects carry a version and an ETag; with If-Match, a change of another version is
          refused.
        </li>
        <li>
          Every POST takes an Idempotency-Key: the same one within 24 hours gives the same answer.
        </li>
        <li>A PATCH changes the members it names (RFC 7396).</li>
      </ul>
    </div>
  </Card>
)

const EndpointPart = ({ endpoint }: { endpoint: EndpointView }) => (
  <details class="card card-body">
    <summary>
      <span class={`tag method-${endpoint.method}`}>{endpoint.method.toUpperCase()}</span>{' '}
      <code>{endpoint.path}</code> <span class="soft">{endpoint.summary}</span>
    </summary>
    <div class="stack">
      <p class="hint">
        Role {endpoint.role}, answers {endpoint.status}
      </p>
      {endpoint.query.length === 0 ? null : <Fields title="Query" fields={endpoint.query} />}
      {endpoint.body.length === 0 ? null : <Fields title="Body" fields={endpoint.body} />}
      {endpoint.answer.length === 0 ? null : <Fields title="Answer" fields={endpoint.answer} />}
    </div>
  </details>
)

const Fields = ({ title, fields }: { title: string; fields: readonly FieldView[] }) => (
  <Table caption={title} columns={[title, 'Type', 'Needed']}>
    {fields.map((field) => (
      <tr>
        <th scope="row" class="mono">
          {field.name}
        </th>
        <td class="mono break">{field.type}</td>
        <td>{field.required ? 'yes' : <span class="faint">no</span>}</td>
      </tr>
    ))}
  </Table>
)

const Errors = ({ errors }: Pick<ApiDocsProps, 'errors'>) => (
  <Card title="Error codes" id="errors">
    <Table caption="Every code" columns={['Code', '#Status', 'What to do']}>
      {errors.map((error) => (
        <tr>
          <th scope="row" class="mono">
            {error.code}
          </th>
          <td class="number">{error.status}</td>
          <td>{error.action}</td>
        </tr>
      ))}
    </Table>
  </Card>
)
