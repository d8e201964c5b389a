/** Every drawing of the admin tool, on a grid of 16, in the colour of the text around it. */
const PATHS = {
  overview: 'M2 2.5h5v6H2zM9 2.5h5v3.5H9zM9 8h5v5.5H9zM2 10.5h5v3H2z',
  servers: 'M2 2.5h12v4.5H2zM2 9h12v4.5H2zM4.5 4.75h.01M4.5 11.25h.01',
  topology:
    'M6 1.75h4v3.5H6zM1.5 10.75h4v3.5h-4zM10.5 10.75h4v3.5h-4zM8 5.25v2.75M3.5 10.75V8h9v2.75',
  policies: 'M2 4h7M2 8h4.5M2 12h7M11 5.5l2.5 2.5-2.5 2.5M9 8h4.5',
  jobs: 'M2.5 8a5.5 5.5 0 0 1 9.4-3.9L13.5 5.5M13.5 2v3.5H10M13.5 8a5.5 5.5 0 0 1-9.4 3.9L2.5 10.5M2.5 14v-3.5H6',
  licence: 'M4 1.75h8v6.5a4 4 0 0 1-8 0zM8 12.25v2M6 14.25h4',
  audit: 'M3 1.75h7l3 3v9.5H3zM5.5 7h5M5.5 9.5h5M5.5 12h3',
  users:
    'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.75 13.5c.3-2.4 2-3.75 4.25-3.75s3.95 1.35 4.25 3.75M10.5 2.8a2.4 2.4 0 0 1 0 4.5M12 10c1.3.5 2.1 1.7 2.25 3.5',
  api: 'M5 4 1.5 8 5 12M11 4l3.5 4L11 12M9.25 2.5l-2.5 11',
  plus: 'M8 3v10M3 8h10',
  sun: 'M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  moon: 'M13.5 9.6A6 6 0 0 1 6.4 2.5 6 6 0 1 0 13.5 9.6z',
} as const

export type IconName = keyof typeof PATHS

/** A drawing beside a word; it says nothing to a screen reader. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.5"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d={PATHS[name]} />
  </svg>
)

/** The mark of the product: one source, three targets, in step. */
export const Mark = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2">
    <circle cx="5" cy="12" r="3" fill="currentColor" stroke="none" />
    <path d="M8 12h6M8 12c4 0 3-7 7-7M8 12c4 0 3 7 7 7" />
    <rect x="15" y="2.5" width="6" height="5" rx="1.5" fill="currentColor" stroke="none" />
    <rect x="15" y="9.5" width="6" height="5" rx="1.5" fill="currentColor" stroke="none" />
    <rect x="15" y="16.5" width="6" height="5" rx="1.5" fill="currentColor" stroke="none" />
  </svg>
)
