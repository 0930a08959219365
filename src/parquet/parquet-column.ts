/** A column as Parquet sees it. */
export interface ParquetColumn {
  readonly name: string
  readonly type: 'BIGINT' | 'INT' | 'BOOLEAN' | 'VARCHAR'
  readonly nullable: boolean
}
