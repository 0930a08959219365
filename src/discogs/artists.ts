import {
  byLabel,
  contract,
  dataQualities,
  each,
  eachRecord,
  id,
  joined,
  label,
  position,
  recordId,
  refers,
  relationship,
  text,
} from './declare.ts'
import type { Dump } from './dataset.ts'

const artistId = recordId('artist_id', 'Discogs id of the artist')
const toArtists = (column: string) => refers(column, 'artists_v1_typed', 'artist_id')

/** Record `artists/artist`, id in the child `id`. */
export const artists: Dump = {
  name: 'artists',
  root: 'artists',
  record: 'artist',
  idPath: 'id',
  nested: null,
  datasets: [
    contract('artists', 'artists_v1_typed', {
      about: 'One row per artist.',
      rows: eachRecord,
      columns: [
        artistId,
        text('name', 'name', 'name on Discogs, with its number if others share it', { maxNullPercent: 1 }),
        text('realname', 'realname', 'civil name'),
        text('profile', 'profile', 'biography, in Discogs markup'),
        text('data_quality', 'data_quality', 'vote of the Discogs community', { accepted: dataQualities }),
        joined('urls', 'urls/url*', 'web addresses, joined by ", "'),
        joined('namevariations', 'namevariations/name*', 'spellings of the name, joined by ", "'),
        joined('aliases', 'aliases/name*', 'names of the aliases, joined by ", "'),
      ],
      key: ['artist_id'],
    }),
    relationship('artists', 'artist_urls_v1', {
      about: 'Web addresses of artists.',
      rows: each('urls/url'),
      columns: [artistId, position(), text('url', '.', 'the address as written')],
      key: ['artist_id', 'position'],
    }),
    relationship('artists', 'artist_name_variations_v1', {
      about: 'Spellings of artist names.',
      rows: each('namevariations/name'),
      columns: [artistId, position(), text('name', '.', 'the spelling')],
      key: ['artist_id', 'position'],
    }),
    contract('artists', 'artist_aliases_v1_typed', {
      about: 'Other artist entries of the same person or group.',
      rows: each('aliases/name'),
      columns: [artistId, id('alias_id', '@id', 'id of the alias'), text('alias_name', '.', 'name of the alias')],
      references: [toArtists('alias_id')],
    }),
    contract('artists', 'artist_memberships_v1_typed', {
      about: 'Who is in which group. Every listing is a row: the group lists its members, the member its groups.',
      rows: { elements: { group: 'members/name', member: 'groups/name' }, order: 'document' },
      columns: [
        byLabel(
          'group_id',
          'BIGINT',
          { group: { from: 'record-id' }, member: { from: 'row', path: '@id', read: 'id' } },
          'id of the group',
        ),
        byLabel(
          'group_name',
          'VARCHAR',
          { group: { from: 'record', path: 'name', read: 'text' }, member: { from: 'row', path: '.', read: 'text' } },
          'name of the group',
        ),
        byLabel(
          'member_id',
          'BIGINT',
          { group: { from: 'row', path: '@id', read: 'id' }, member: { from: 'record-id' } },
          'id of the member',
        ),
        byLabel(
          'member_name',
          'VARCHAR',
          { group: { from: 'row', path: '.', read: 'text' }, member: { from: 'record', path: 'name', read: 'text' } },
          'name of the member',
        ),
        label('listed_by', 'whose record says so: `group` or `member`', ['group', 'member']),
      ],
      references: [toArtists('group_id'), toArtists('member_id')],
    }),
  ],
  ignored: ['images/**', '**/resource_url', 'members/id'],
}
