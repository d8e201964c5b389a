import type { Names } from '../types.ts'

interface NameLinkProps {
  readonly id: string
  readonly names: Names
  /** Where objects of this kind live: `/servers`. */
  readonly base: string
}

/** The name of an object as a link to its page. */
export const NameLink = ({ id, names, base }: NameLinkProps) => (
  <a href={`${base}/${encodeURIComponent(id)}`}>{names.get(id) ?? shortId(id)}</a>
)

/** The beginning of an id, enough to tell it from others in a list. */
export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}` : id
}

/** Roles of a server, in words. */
export const Roles = ({ roles }: { roles: readonly string[] }) => (
  <span class="row">
    {roles.map((role) => (
      <span class="tag" title={ROLE_WORDS[role] ?? role}>
        {role.toUpperCase()}
      </span>
    ))}
  </span>
)

const ROLE_WORDS: Readonly<Record<string, string>> = {
  cms: 'Content monitoring: watches source folders',
  cas: 'Content adaptation: sends and receives files',
  sm: 'Server monitoring: reports the health of the host',
}
