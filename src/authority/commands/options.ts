import { path, required, text } from '../../platform/cli-options.ts'

/** Options that several commands share. */
export const directory = required(path('DIR', 'The data folder of the licence authority'))
export const siteId = required(text('ID', 'The id of the site, as register printed it'))
export const outputFile = required(path('FILE', 'Where the file is written; - is standard output'))
