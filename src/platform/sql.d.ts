/** Migrations are imported as texts, so that an executable carries them. */
declare module '*.sql' {
  const text: string
  export default text
}
