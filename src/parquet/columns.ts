/** The column buffers that a scanner fills and the encoder reads. */
import type { ColumnKind } from './column.ts'
import { BooleanColumn, IntColumn, LongColumn } from './number-columns.ts'
import { TextColumn } from './text-column.ts'

export { BooleanColumn, IntColumn, LongColumn, TextColumn }
export type { ColumnKind } from './column.ts'

export type AnyColumn = TextColumn | LongColumn | IntColumn | BooleanColumn

/** An empty column for this type; a required one (`nullable` false) refuses rows without a value. */
export function createColumn({ type, nullable }: { readonly type: ColumnKind; readonly nullable: boolean }): AnyColumn {
  switch (type) {
    case 'VARCHAR':
      return new TextColumn(!nullable)
    case 'BIGINT':
      return new LongColumn(!nullable)
    case 'INT':
      return new IntColumn(!nullable)
    case 'BOOLEAN':
      return new BooleanColumn(!nullable)
  }
}
