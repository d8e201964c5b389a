import type { Child } from 'hono/jsx'

import type { Listing } from '../types.ts'

interface TableProps {
  /** What the table holds, for those who cannot see where it stands. */
  readonly caption: string
  /** Heads of columns; those that begin with `#` hold numbers. */
  readonly columns: readonly string[]
  readonly children: Child
}

/** A table that scrolls by itself where it is wider than the page. */
export const Table = ({ caption, columns, children }: TableProps) => (
  <div class="scroll" tabindex={0} role="region" aria-label={caption}>
    <table>
      <caption class="sr">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) =>
            column.startsWith('#') ? (
              <th scope="col" class="number">
                {column.slice(1)}
              </th>
            ) : (
              <th scope="col">{column === '' ? <span class="sr">Actions</span> : column}</th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)

/** The way to the rest of a list; nothing where all of it is shown. */
export const Pager = ({ listing }: { listing: Listing<unknown> }) =>
  listing.nextUrl === null && listing.firstUrl === null ? null : (
    <nav class="pager" aria-label="Pages">
      {listing.firstUrl === null ? <span></span> : <a href={listing.firstUrl}>First page</a>}
      {listing.nextUrl === null ? (
        <span>That is all</span>
      ) : (
        <a href={listing.nextUrl}>Next page →</a>
      )}
    </nav>
  )

interface CardProps {
  readonly title?: string
  readonly about?: Child
  readonly actions?: Child
  readonly id?: string
  readonly children: Child
}

/** A surface with one matter on it. */
export const Card = ({ title, about, actions, id, children }: CardProps) => (
  <section class="card" id={id} aria-label={title}>
    {title === undefined ? null : (
      <div class="card-head">
        <h2>{title}</h2>
        {about === undefined ? null : <span class="soft">{about}</span>}
        {actions}
      </div>
    )}
    {children}
  </section>
)

/** Where there is nothing yet: why, and what to do next. */
export const Empty = ({ title, children }: { title: string; children: Child }) => (
  <div class="empty">
    <strong>{title}</strong>
    {children}
  </div>
)

interface LiveProps {
  readonly id: string
  /** The address of this page, which is asked again. */
  readonly url: string
  /** Types of events after which this part is read again. */
  readonly on: readonly string[]
  readonly children: Child
}

/** A part of a page that follows what happens: after such events it is read again and what changed is exchanged. */
export const Live = ({ id, url, on, children }: LiveProps) => (
  <div
    id={id}
    class="live-part"
    hx-get={url}
    hx-select={`#${id}`}
    hx-target="this"
    hx-swap="outerMorph"
    hx-trigger={on.map((type) => `cd-${type} from:body`).join(', ')}
  >
    {children}
  </div>
)
