import type { AdminRequest } from '../api/request.ts'

/** A form as it was sent: texts and files by name. */
export interface Form {
  /** The first value of a field, trimmed; empty where there is none. */
  text(name: string): string
  /** The same, not trimmed: for passwords. */
  secret(name: string): string
  /** Every value of a field. */
  all(name: string): readonly string[]
  has(name: string): boolean
  files(name: string): readonly File[]
}

/** Reads the form of a request. */
export async function readForm(request: AdminRequest): Promise<Form> {
  const body = await request.req.parseBody({ all: true })
  const values = (name: string) => [body[name] ?? []].flat()
  const texts = (name: string) => values(name).filter((value) => typeof value === 'string')
  return {
    text: (name) => texts(name)[0]?.trim() ?? '',
    secret: (name) => texts(name)[0] ?? '',
    all: texts,
    has: (name) => texts(name).length > 0,
    files: (name) => values(name).filter((value) => value instanceof File),
  }
}
