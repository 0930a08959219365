import {
  contract,
  dataQualities,
  each,
  eachRecord,
  id,
  joined,
  joinedIds,
  position,
  recordId,
  refers,
  relationship,
  text,
  value,
} from './declare.ts'
import type { Dump } from './dataset.ts'
import { videos } from './videos.ts'

const masterId = recordId('master_id', 'Discogs id of the master')

/** Record `masters/master`, id in its attribute. */
export const masters: Dump = {
  name: 'masters',
  root: 'masters',
  record: 'master',
  idPath: '@id',
  nested: null,
  datasets: [
    contract('masters', 'masters_v1_typed', {
      about: 'One row per master: the set of all releases of one work.',
      rows: eachRecord,
      columns: [
        masterId,
        id('main_release_id', 'main_release', 'id of the release that stands for the master'),
        text('title', 'title', 'title', { maxNullPercent: 1 }),
        value('year', 'year', 'year', 'year of the first release, NULL when unknown'),
        joined(
          'master_artists',
          'artists/artist*/name',
          'names of the artists, joined by ", "; neither name variation nor join phrase: a credit without a name is in master_artists_v1 alone',
        ),
        joinedIds('master_artist_ids', 'artists/artist*/id', 'ids of the artists, joined by ","', ','),
        joined('genres', 'genres/genre*', 'genres, joined by ", " (a genre may hold a comma: see the genre table)'),
        joined('styles', 'styles/style*', 'styles, joined by ", "'),
        text('data_quality', 'data_quality', 'vote of the Discogs community', { accepted: dataQualities }),
        text('notes', 'notes', 'free text'),
      ],
      key: ['master_id'],
      references: [refers('main_release_id', 'releases_v6', 'release_id')],
    }),
    relationship('masters', 'master_artists_v1', {
      about: 'Artists of masters, in order.',
      rows: each('artists/artist'),
      columns: [
        masterId,
        position(),
        id('artist_id', 'id', 'id of the artist'),
        text('artist_name', 'name', 'name of the artist'),
        text('anv', 'anv', 'name variation used here'),
        text('join_phrase', 'join', 'what stands between this artist and the next'),
        text('role', 'role', 'role'),
        text('tracks', 'tracks', 'tracks the credit is for, as written'),
      ],
      key: ['master_id', 'position'],
      references: [refers('artist_id', 'artists_v1_typed', 'artist_id')],
    }),
    relationship('masters', 'master_genres_v1', {
      about: 'Genres of masters.',
      rows: each('genres/genre'),
      columns: [masterId, position(), text('genre', '.', 'genre')],
      key: ['master_id', 'position'],
    }),
    relationship('masters', 'master_styles_v1', {
      about: 'Styles of masters.',
      rows: each('styles/style'),
      columns: [masterId, position(), text('style', '.', 'style')],
      key: ['master_id', 'position'],
    }),
    videos('masters', 'master_videos_v1', 'Videos of masters.', masterId),
  ],
  ignored: ['images/**', '**/resource_url'],
}
