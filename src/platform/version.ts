import description from '../../package.json' with { type: 'json' }

/** The version of the programs, as in package.json; built into the executables. */
export const VERSION: string = description.version
