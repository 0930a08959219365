/** XML that is not what it must be. `offset` is the byte offset in what was being read, in the end in the inflated XML. */
export class XmlError extends Error {
  readonly offset: number
  /** True when the whole document is lost, not just a record of it. */
  readonly fatal: boolean

  constructor(reason: string, offset: number, fatal = false) {
    super(reason)
    this.name = 'XmlError'
    this.offset = offset
    this.fatal = fatal
  }
}
