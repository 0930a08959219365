/** Rows that engines are apt to disagree about. */
import type { TestRow } from './parquet.ts'

const credit = (releaseId: bigint, name: string | null, more: TestRow = {}): TestRow => {
  return { release_id: releaseId, credit: 'artist', position: 1, artist_name: name, ...more }
}

/** Rows of a month that try the norms: blanks of all kinds, letters of four bytes, trailing numbers, empty texts, NULLs. */
export const oddTables: Readonly<Record<string, readonly TestRow[]>> = {
  artists_v1_typed: [
    { artist_id: 1n, name: 'Name (2)', realname: 'İsmail\t Çelik' },
    { artist_id: 2n, name: 'Name (2) (3)', realname: null },
    { artist_id: 3n, name: '\u00A0ΟΔΟΣ\u00A0', realname: '  ' },
    { artist_id: 4n, name: '(7)', realname: 'name' },
  ],
  artist_name_variations_v1: [
    { artist_id: 1n, position: 1, name: 'NAME  (12) ' },
    { artist_id: 1n, position: 2, name: null },
    { artist_id: 2n, position: 1, name: 'The\r\nOther' },
  ],
  artist_aliases_v1_typed: [
    { artist_id: 1n, alias_id: 2n, alias_name: 'Alias of Two' },
    { artist_id: 1n, alias_id: null, alias_name: 'Alias without Id' },
    { artist_id: 1n, alias_id: 99n, alias_name: 'No such artist' },
  ],
  artist_memberships_v1_typed: [
    { group_id: 9n, group_name: 'The Group', member_id: 3n, member_name: 'Odos', listed_by: 'member' },
    { group_id: 9n, group_name: 'The Group', member_id: 3n, member_name: 'Odos', listed_by: 'group' },
    { group_id: 9n, group_name: 'The Group', member_id: null, member_name: 'Nobody', listed_by: 'group' },
    { group_id: 9n, group_name: null, member_id: 4n, member_name: 'Seven', listed_by: 'group' },
  ],
  release_credits_v1: [
    credit(10n, 'Artist A', { artist_id: 1n }),
    credit(10n, 'Artist A', { artist_id: 1n, position: 2 }),
    credit(10n, 'ARTIST A', { artist_id: 1n, position: 3 }),
    credit(10n, 'Artist A', { artist_id: null, position: 4 }),
    credit(10n, 'Producer', { artist_id: 2n, credit: 'extra' }),
    credit(10n, 'Track artist', { artist_id: 3n, track_seq: 1 }),
    credit(2n, null, { artist_id: 1n }),
    credit(2n, '\tİ (2)\n', { artist_id: 2n }),
    credit(3n, ' \r', { artist_id: 2n }),
  ],
  release_labels_v1: [
    { release_id: 10n, position: 1, label_id: 5n, label_name: 'Warp', catno: 'WAP 1' },
    { release_id: 10n, position: 2, label_id: 5n, label_name: 'Warp', catno: null },
    { release_id: 10n, position: 3, label_id: 5n, label_name: 'Warp', catno: null },
    { release_id: 10n, position: 4, label_id: null, label_name: 'WARP ', catno: null },
    { release_id: 2n, position: 1, label_id: 5n, label_name: 'warp', catno: 'none' },
    { release_id: 2n, position: 2, label_id: 6n, label_name: null, catno: 'X' },
    { release_id: 2n, position: 3, label_id: 7n, label_name: '\t', catno: 'X' },
    { release_id: 2n, position: 4, label_id: 8n, label_name: 'Éditions 😀', catno: '' },
  ],
  release_genres_v1: [
    { release_id: 10n, position: 1, genre: 'Folk, World, & Country' },
    { release_id: 10n, position: 2, genre: 'Folk, World, & Country' },
    { release_id: 10n, position: 3, genre: null },
    { release_id: 2n, position: 1, genre: 'Electronic' },
    { release_id: 2n, position: 2, genre: ' ' },
  ],
  release_styles_v1: [
    { release_id: 10n, position: 1, style: 'Drum n Bass' },
    { release_id: 10n, position: 2, style: 'DRUM N BASS' },
    { release_id: 10n, position: 3, style: '\u00A0' },
    { release_id: 10n, position: 4, style: '\n' },
  ],
}
