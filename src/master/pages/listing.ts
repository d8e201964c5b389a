import type { Listing } from '../../../views/types.ts'
import type { Page } from '../model.ts'
import type { Visit } from './page.ts'

/** Gives a page of a list with the addresses of the next and the first one. `name` is that of its cursor in the query. */
export function listingOf<T>(visit: Visit, page: Page<T>, name = 'cursor'): Listing<T> {
  const here = new URL(visit.request.req.url)
  const address = (cursor: string | null) => {
    const query = new URLSearchParams(here.search)
    if (cursor === null) query.delete(name)
    else query.set(name, cursor)
    return query.size === 0 ? here.pathname : `${here.pathname}?${query.toString()}`
  }
  return {
    items: page.items,
    nextUrl: page.nextCursor === null ? null : address(page.nextCursor),
    firstUrl: here.searchParams.has(name) ? address(null) : null,
  }
}

/** Gives a value of a filter only where it is one of those that are known. */
export function known<T extends string>(
  values: readonly T[],
  text: string | undefined,
): T[] | undefined {
  const found = values.find((value) => value === text)
  return found === undefined ? undefined : [found]
}
