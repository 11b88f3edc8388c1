/** The part of jq-web 0.6 that is used; the package brings no types. */

declare module 'jq-web' {
  interface Jq {
    /** jq's standard output; throws when it exits with another code than 0. `input` is written to a file as it is. */
    raw(input: string | Uint8Array, program: string, flags: readonly string[]): string
  }
  /** Loads jq as soon as it is imported. */
  const jq: Promise<Jq>
  export default jq
}
