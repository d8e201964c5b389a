import { AppError } from '../core/base/errors.ts'

/** Gives what Bun.serve threw as PORT_IN_USE or LISTEN_REFUSED, naming the address. */
export function listenError(
  address: { readonly hostname: string; readonly port: number },
  thrown: unknown,
): AppError {
  const place = `${address.hostname}:${address.port}`
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  if (code === 'EADDRINUSE') {
    const message = `cannot listen on ${place}: the port is in use`
    return new AppError('PORT_IN_USE', message, { cause: thrown })
  }
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  return new AppError('LISTEN_REFUSED', `cannot listen on ${place}: ${why}`, { cause: thrown })
}
