import { AppError } from '../core/base/errors.ts'
import { createAdminApp } from './api/app.ts'
import type { AdminContext } from './api/context.ts'
import { listenError } from './listen-error.ts'

export interface AdminListenerOptions {
  readonly hostname: string
  readonly port: number
  /** PEM; without it only loopback is listened on. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export interface AdminListener {
  readonly url: string
  /** Ends streams and requests under way. */
  stop(): Promise<void>
}

/** Opens the admin listener: HTTP on loopback, TLS anywhere. LISTEN_REFUSED, PORT_IN_USE. */
export function startAdminListener(
  context: AdminContext,
  options: AdminListenerOptions,
): AdminListener {
  const { hostname, port, tls } = options
  if (tls === null && !isLoopback(hostname)) {
    const place = `${hostname}:${port}`
    const message = `cannot listen on ${place} without TLS: passwords would be readable on the way`
    throw new AppError('LISTEN_REFUSED', message)
  }
  const closing = new AbortController()
  const app = createAdminApp(context, closing.signal)
  try {
    const server = Bun.serve({
      hostname,
      port,
      // Events stream for as long as somebody reads.
      idleTimeout: 0,
      fetch: (request, serving) => app.fetch(request, serving),
      ...(tls === null ? {} : { tls }),
    })
    return {
      url: server.url.href.replace(/\/$/, ''),
      stop: async () => {
        closing.abort()
        await server.stop(true)
      },
    }
  } catch (thrown) {
    throw listenError({ hostname, port }, thrown)
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
