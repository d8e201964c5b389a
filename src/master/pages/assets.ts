import type { Hono } from 'hono'
import events from 'htmx.org/dist/ext/hx-sse.min.js' with { type: 'text' }
import htmx from 'htmx.org/dist/htmx.min.js' with { type: 'text' }

import script from '../../../views/assets/app.js' with { type: 'text' }
import icon from '../../../views/assets/icon.svg' with { type: 'text' }
import type { Assets } from '../../../views/frame.ts'
import type { AdminEnv } from '../api/request.ts'

import base from '../../../views/assets/base.css' with { type: 'text' }
import forms from '../../../views/assets/forms.css' with { type: 'text' }
import narrow from '../../../views/assets/narrow.css' with { type: 'text' }
import parts from '../../../views/assets/parts.css' with { type: 'text' }
import shell from '../../../views/assets/shell.css' with { type: 'text' }
import tokens from '../../../views/assets/tokens.css' with { type: 'text' }

interface Asset {
  readonly path: string
  readonly type: string
  readonly text: string
}

/** The address has the content's hash in it, so that it can be kept for ever. */
function asset(name: string, type: string, text: string): Asset {
  const hash = new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 12)
  const dot = name.lastIndexOf('.')
  return { path: `/assets/${name.slice(0, dot)}.${hash}${name.slice(dot)}`, type, text }
}

const SCRIPT = 'text/javascript; charset=utf-8'
// The source maps lie elsewhere, and nothing is loaded from there.
const withoutMap = (text: string) => text.replace(/\n?\/\/# sourceMappingURL=\S*\s*$/, '\n')

const FILES = {
  style: asset(
    'admin.css',
    'text/css; charset=utf-8',
    [tokens, base, shell, parts, forms, narrow].join('\n'),
  ),
  htmx: asset('htmx.js', SCRIPT, withoutMap(htmx)),
  events: asset('events.js', SCRIPT, withoutMap(events)),
  script: asset('admin.js', SCRIPT, script),
  icon: asset('icon.svg', 'image/svg+xml', icon),
}

/** Where the embedded files are served. */
export const ASSETS: Assets = {
  style: FILES.style.path,
  htmx: FILES.htmx.path,
  events: FILES.events.path,
  script: FILES.script.path,
  icon: FILES.icon.path,
}

/** Serves the files that are part of the program; nothing is read from the disk. */
export function mountAssets(app: Hono<AdminEnv>): void {
  for (const { path, type, text } of Object.values(FILES)) {
    app.get(path, (request) =>
      request.body(text, 200, {
        'content-type': type,
        'cache-control': 'public, max-age=31536000, immutable',
      }),
    )
  }
}
