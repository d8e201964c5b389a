/** Pages that a source's changes came in: beyond these, a backlog counts as large. */
const PAGES_MAX = 1000

interface Page {
  readonly from: number
  readonly upTo: number
  readonly bytes: number
}

/** Remembers how much the last changes of a source hold, so that a tree is planned without reading the database. */
export class RecentBytes {
  readonly #pages: Page[] = []

  /** Takes the changes with `from < seq <= upTo`; pages come in order, and again from where they could not be written. */
  take(page: Page): void {
    while ((this.#pages.at(-1)?.upTo ?? 0) > page.from) this.#pages.pop()
    this.#pages.push(page)
    if (this.#pages.length > PAGES_MAX) this.#pages.shift()
  }

  clear(): void {
    this.#pages.length = 0
  }

  /** The bytes of the changes above a seq, of which a page is counted whole; null where they are not remembered. */
  above(seq: number): number | null {
    const first = this.#pages[0]
    if (first === undefined || first.from > seq) return null
    return this.#pages.reduce((sum, { upTo, bytes }) => (upTo > seq ? sum + bytes : sum), 0)
  }
}
