/** XML that is not what it must be. `offset` is the byte offset in the inflated XML. */
export class XmlError extends Error {
  readonly offset: number

  constructor(reason: string, offset: number) {
    super(reason)
    this.name = 'XmlError'
    this.offset = offset
  }
}
