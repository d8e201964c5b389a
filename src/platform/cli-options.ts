import { resolve } from 'node:path'

/**
 * What a flag may be: a value, a switch without one, a secret (`--token TOKEN`, with `--token-file FILE` beside it), or a
 * secret that only ever comes from a file (`--password-file FILE`). A file named `-` is standard input.
 */
type OptionForm = 'value' | 'flag' | 'secret' | 'secretFile'

/** Either the typed value, or what is wrong, as the end of "--flag must be …". */
type Converted<T> = { readonly value: T } | { readonly wrong: string }

/** A flag of a command. The key it stands under, in kebab-case, is its name; `T` is what `run` is given. */
export interface Option<T> {
  readonly form: OptionForm
  readonly placeholder: string
  readonly help: string
  readonly required: boolean
  readonly repeatable: boolean
  /** Shown in the help as the default. */
  readonly fallback: string | null
  /** All values given, in order; none where the flag is absent. */
  readonly convert: (values: readonly string[]) => Converted<T>
}

type Single<T> = (raw: string) => Converted<T>
type Shape = Pick<Option<unknown>, 'form' | 'placeholder' | 'help'>

function optional<T>(shape: Shape, single: Single<T>): Option<T | undefined> {
  const convert = ([raw]: readonly string[]) =>
    raw === undefined ? { value: undefined } : single(raw)
  return { ...shape, required: false, repeatable: false, fallback: null, convert }
}

const present: Single<string> = (raw) =>
  raw === '' ? { wrong: 'must not be empty' } : { value: raw }

/** Any text but the empty one. */
export function text(placeholder: string, help: string): Option<string | undefined> {
  return optional({ form: 'value', placeholder, help }, present)
}

/** A path, made absolute; `-` (standard input or output) stays as it is. */
export function path(placeholder: string, help: string): Option<string | undefined> {
  const single: Single<string> = (raw) =>
    raw === '' ? { wrong: 'must not be empty' } : { value: raw === '-' ? raw : resolve(raw) }
  return optional({ form: 'value', placeholder, help }, single)
}

/** A whole number within a range, both ends included. */
export function wholeNumber(
  help: string,
  range: { readonly min: number; readonly max: number },
): Option<number | undefined> {
  const wrong = `must be a whole number from ${range.min} to ${range.max}`
  const single: Single<number> = (raw) => {
    const value = Number(raw)
    const fits = /^\d{1,15}$/.test(raw) && value >= range.min && value <= range.max
    return fits ? { value } : { wrong }
  }
  return optional({ form: 'value', placeholder: 'N', help }, single)
}

/** One of the given words. */
export function choice<const T extends string>(
  words: readonly T[],
  help: string,
): Option<T | undefined> {
  const single: Single<T> = (raw) => {
    const value = words.find((word) => word === raw)
    return value === undefined ? { wrong: `must be one of ${words.join(', ')}` } : { value }
  }
  return optional({ form: 'value', placeholder: words.join('|'), help }, single)
}

/** Some of the given words, separated by commas, each at most once. */
export function choices<const T extends string>(
  words: readonly T[],
  help: string,
): Option<readonly T[] | undefined> {
  const single: Single<readonly T[]> = (raw) => {
    const named = raw.split(',')
    const value = words.filter((word) => named.includes(word))
    const clean = value.length === named.length && value.length > 0
    return clean
      ? { value }
      : { wrong: `must be some of ${words.join(',')}, separated by commas, each once` }
  }
  return optional({ form: 'value', placeholder: words.join(','), help }, single)
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Takes `host:port` or `[IPv6]:port` apart; null where it is neither or the port is above 65535. */
export function parseHostPort(raw: string): HostPort | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(raw)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  return host === undefined || port > 65535 ? null : { host, port }
}

/** An address to listen on. Port 0 lets the system choose. */
export function hostPort(help: string): Option<HostPort | undefined> {
  const single: Single<HostPort> = (raw) => {
    const value = parseHostPort(raw)
    return value === null ? { wrong: 'must be HOST:PORT or [IPv6]:PORT' } : { value }
  }
  return optional({ form: 'value', placeholder: 'HOST:PORT', help }, single)
}

/** A URL of one of the protocols, for instance `['https']`, without credentials in it. */
export function url(protocols: readonly string[], help: string): Option<URL | undefined> {
  const wrong = `must be a URL that begins with ${protocols.map((name) => `${name}://`).join(' or ')}`
  const single: Single<URL> = (raw) => {
    const value = URL.parse(raw)
    const fits = value && protocols.includes(value.protocol.slice(0, -1)) && value.username === ''
    return fits ? { value } : { wrong }
  }
  return optional({ form: 'value', placeholder: 'URL', help }, single)
}

/** A secret: `--token TOKEN`, where `-` is standard input, or `--token-file FILE`. `run` is given the secret itself. */
export function secret(placeholder: string, help: string): Option<string | undefined> {
  return optional({ form: 'secret', placeholder, help }, present)
}

/** A secret that comes from a file or, as `-`, from standard input. `run` is given what is in it, without its last line end. */
export function secretFile(help: string): Option<string | undefined> {
  return optional({ form: 'secretFile', placeholder: 'FILE', help }, present)
}

/** A switch. */
export function flag(help: string): Option<boolean> {
  const convert = (values: readonly string[]) => ({ value: values.length > 0 })
  return {
    form: 'flag',
    placeholder: '',
    help,
    required: false,
    repeatable: false,
    fallback: null,
    convert,
  }
}

/** Makes the option one that must be given. */
export function required<T>(option: Option<T>): Option<Exclude<T, undefined>> {
  return { ...option, required: true } as Option<Exclude<T, undefined>>
}

/** Gives the option a value that holds where it is not given; `shown` is how the help says it. */
export function withDefault<T>(
  option: Option<T>,
  value: Exclude<T, undefined>,
  shown: string = String(value),
): Option<Exclude<T, undefined>> {
  const convert = (values: readonly string[]) =>
    values.length === 0 ? { value } : (option.convert(values) as Converted<Exclude<T, undefined>>)
  return { ...option, fallback: shown, convert }
}

/** Says in the help what holds where the option is not given, and depends on others. */
export function shownDefault<T>(option: Option<T>, shown: string): Option<T> {
  return { ...option, fallback: shown }
}

/** Lets the option be given any number of times, up to 1,000; with `required` around it, at least once. */
export function repeated<T>(option: Option<T>): Option<readonly Exclude<T, undefined>[]> {
  const convert = (values: readonly string[]): Converted<readonly Exclude<T, undefined>[]> => {
    if (values.length > 1000) return { wrong: 'may be given at most 1000 times' }
    const converted: Exclude<T, undefined>[] = []
    for (const raw of values) {
      const one = option.convert([raw])
      if ('wrong' in one) return one
      converted.push(one.value as Exclude<T, undefined>)
    }
    return { value: converted }
  }
  return { ...option, repeatable: true, convert }
}
