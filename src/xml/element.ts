/** An element as it stands in a record. Names are as written; order is that of the start tags, from 0 at the record. */
export interface Element {
  readonly name: string
  readonly order: number
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Element[]
  /** Direct text, decoded, CDATA included; text inside children is theirs. */
  readonly text: string
}
