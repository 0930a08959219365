import { each, position, text, value, relationship } from './declare.ts'
import type { Column, Dataset, DumpName } from './dataset.ts'

/** Videos of a master or release: the same element in both dumps. */
export function videos(dump: DumpName, name: string, about: string, recordIdColumn: Column): Dataset {
  return relationship(dump, name, {
    about,
    rows: each('videos/video'),
    columns: [
      recordIdColumn,
      position(),
      text('src', '@src', 'address of the video'),
      value('int', 'duration_seconds', '@duration', 'length in seconds'),
      value('boolean', 'embed', '@embed', 'whether it may be embedded'),
      text('title', 'title', 'title of the video'),
      text('description', 'description', 'description of the video'),
    ],
    key: [recordIdColumn.name, 'position'],
  })
}
