import type { HtmlEscapedString } from 'hono/utils/html'

/** What a view gives. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** Writes a view out, also where a part of it had to be waited for. */
export async function htmlOf(view: Html): Promise<string> {
  return `${await view}`
}
